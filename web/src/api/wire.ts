import type * as http from '@tutti/contracts/http';
import type * as z from 'zod';

/** What the API's bodies are, by the contracts' schemas: types only, nothing of them is in the bundle. */
export type Account = z.infer<typeof http.account>;
export type Me = z.infer<typeof http.me>;
export type Session = z.infer<typeof http.session>;
export type Concert = z.infer<typeof http.concertView>;
export type Performance = z.infer<typeof http.performanceView>;
export type OnePerformance = z.infer<typeof http.onePerformanceView>;
export type SeatMapLayout = z.infer<typeof http.seatMap>;
export type SeatList = z.infer<typeof http.seatList>;
export type StreamStart = z.infer<typeof http.streamStart>;
export type NewReservation = z.infer<typeof http.newReservation>;
export type Reservation = z.infer<typeof http.reservation>;
export type Ticket = z.infer<typeof http.ticket>;
export type Payment = z.infer<typeof http.paid>;
export type Cancellation = z.infer<typeof http.cancelled>;
export type Operation = z.infer<typeof http.operation>;
export type Balance = z.infer<typeof http.balance>;
export type Charge = z.infer<typeof http.charge>;
export type PointEntry = z.infer<typeof http.entry>;
export type Page<T> = { items: T[]; nextCursor: string | null };
