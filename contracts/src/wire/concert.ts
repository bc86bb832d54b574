import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  ConcertSchema,
  EditConcertResponse_Refusal,
  EditConcertResponseSchema,
  PerformancePageSchema,
  PerformanceResponseSchema,
  ReservationSchema,
  ReservationStatus,
  SaleState,
  SeatListSchema,
  SeatStatus as WireSeatStatus,
  TicketResponseSchema,
  type Availability as WireAvailability,
  type Concert as WireConcert,
  type ConcertEdit as WireEdit,
  type EditConcertResponse,
  type KnownAvailability as WireKnown,
  type Performance as WirePerformance,
  type PerformancePage,
  type PerformanceResponse,
  type Reservation as WireReservation,
  type SeatList as WireSeatList,
  type TicketResponse,
  type Translation as WireTranslation,
} from '../generated/tutti/concert/v1/concert_pb.ts';
import type {
  Availability,
  Concert,
  ConcertEdit,
  KnownAvailability,
  OnePerformance,
  Page,
  Performance,
  Reservation,
  SeatList,
  SeatStatus,
  TicketFacts,
  Translation,
} from '../queries.ts';
import { given, words } from './words.ts';

export { ConcertService } from '../generated/tutti/concert/v1/concert_pb.ts';

const saleStates = words({
  scheduled: SaleState.SCHEDULED,
  open: SaleState.OPEN,
  paused: SaleState.PAUSED,
  closed: SaleState.CLOSED,
} satisfies Record<Concert['saleState'], SaleState>);

const editableSaleStates = words({
  open: SaleState.OPEN,
  paused: SaleState.PAUSED,
  closed: SaleState.CLOSED,
} satisfies Record<NonNullable<ConcertEdit['saleState']>, SaleState>);

const seatStates = words({
  available: WireSeatStatus.AVAILABLE,
  reserved: WireSeatStatus.RESERVED,
  paid: WireSeatStatus.PAID,
} satisfies Record<SeatStatus, WireSeatStatus>);

const reservationStates = words({
  reserved: ReservationStatus.RESERVED,
  paying: ReservationStatus.PAYING,
  paid: ReservationStatus.PAID,
  cancelled: ReservationStatus.CANCELLED,
  expired: ReservationStatus.EXPIRED,
} satisfies Record<Reservation['status'], ReservationStatus>);

const editRefusals = words({
  not_found: EditConcertResponse_Refusal.NOT_FOUND,
  conflict: EditConcertResponse_Refusal.CONFLICT,
});

export const concertToWire = (concert: Concert): MessageInitShape<typeof ConcertSchema> => ({
  ...concert,
  saleState: saleStates.toWire(concert.saleState),
});

/** In the order of the type: the gateway's mark of a concert (its ETag) is taken of the JSON. */
export const concertFromWire = (concert: WireConcert): Concert => ({
  concertId: concert.concertId,
  title: concert.title,
  artist: concert.artist,
  venue: concert.venue,
  onSaleAt: concert.onSaleAt,
  saleState: saleStates.fromWire(concert.saleState),
  priceRange: { min: concert.priceRange?.min ?? 0, max: concert.priceRange?.max ?? 0 },
  waitingRoom: concert.waitingRoom,
  translations: {
    ko: translationFromWire(given(concert.translations?.ko, 'Korean')),
    en: translationFromWire(given(concert.translations?.en, 'English')),
  },
  version: concert.version,
});

const translationFromWire = ({ title, artist, venue }: WireTranslation): Translation => ({
  title,
  artist,
  venue,
});

export const editToWire = ({ saleState, ...edit }: ConcertEdit) => ({
  ...edit,
  ...(saleState !== undefined && { saleState: editableSaleStates.toWire(saleState) }),
});

export const editFromWire = ({ title, artist, onSaleAt, saleState }: WireEdit): ConcertEdit => ({
  ...(title !== undefined && { title }),
  ...(artist !== undefined && { artist }),
  ...(onSaleAt !== undefined && { onSaleAt }),
  ...(saleState !== undefined && { saleState: editableSaleStates.fromWire(saleState) }),
});

type Edited = Concert | 'not_found' | 'conflict';

export const editedToWire = (edited: Edited): MessageInitShape<typeof EditConcertResponseSchema> => ({
  result:
    typeof edited === 'string'
      ? { case: 'refusal', value: editRefusals.toWire(edited) }
      : { case: 'concert', value: concertToWire(edited) },
});

export const editedFromWire = ({ result }: EditConcertResponse): Edited =>
  result.case === 'concert'
    ? concertFromWire(result.value)
    : editRefusals.fromWire(result.value ?? EditConcertResponse_Refusal.UNSPECIFIED);

export const performancesToWire = ({
  items,
  next,
}: Page<Performance, string>): MessageInitShape<typeof PerformancePageSchema> => ({
  items,
  next: next ?? undefined,
});

export const performancesFromWire = ({ items, next }: PerformancePage): Page<Performance, string> => ({
  items: items.map(performanceFromWire),
  next: next ?? null,
});

const performanceFromWire = (performance: WirePerformance): Performance => ({
  performanceId: performance.performanceId,
  startsAt: performance.startsAt,
  seatsTotal: performance.seatsTotal,
  seatsAvailable: performance.seatsAvailable,
});

export const onePerformanceToWire = ({
  concertId,
  ...performance
}: OnePerformance): MessageInitShape<typeof PerformanceResponseSchema> => ({ performance, concertId });

export const onePerformanceFromWire = ({
  performance,
  concertId,
}: PerformanceResponse): OnePerformance | null =>
  performance ? { ...performanceFromWire(performance), concertId } : null;

export const seatsToWire = ({
  version,
  sequence,
  seats,
}: SeatList): MessageInitShape<typeof SeatListSchema> => ({
  version,
  sequence: BigInt(sequence),
  seatIds: seats.map(({ seatId }) => seatId),
  labels: seats.map(({ label }) => label),
  statuses: seats.map(({ status }) => seatStates.toWire(status)),
  prices: seats.map(({ price }) => price),
});

export const seatsFromWire = (list: WireSeatList): SeatList => ({
  version: list.version,
  sequence: Number(list.sequence),
  seats: list.seatIds.map((seatId, index) => ({
    seatId,
    label: given(list.labels[index], 'a label'),
    status: seatStates.fromWire(given(list.statuses[index], 'a status')),
    price: given(list.prices[index], 'a price'),
  })),
});

export const knownToWire = ({ performanceId, version, sequence }: KnownAvailability) => ({
  performanceId,
  version,
  sequence: BigInt(sequence),
});

export const knownFromWire = ({ performanceId, version, sequence }: WireKnown): KnownAvailability => ({
  performanceId,
  version,
  sequence: Number(sequence),
});

export const availabilityToWire = ({ seats, ...known }: Availability) => ({
  ...knownToWire(known),
  ...(seats && { seats }),
});

export const availabilityFromWire = ({
  performanceId,
  version,
  sequence,
  seats,
}: WireAvailability): Availability => ({
  performanceId,
  version,
  sequence: Number(sequence),
  // A copy: what arrived is a part of the whole message, which it would keep in memory.
  seats: seats ? new Uint8Array(seats) : null,
});

export const reservationToWire = (reservation: Reservation): MessageInitShape<typeof ReservationSchema> => ({
  ...reservation,
  status: reservationStates.toWire(reservation.status),
});

export const reservationFromWire = (reservation: WireReservation): Reservation => ({
  reservationId: reservation.reservationId,
  status: reservationStates.fromWire(reservation.status),
  performanceId: reservation.performanceId,
  seats: reservation.seats.map(({ seatId, label, price }) => ({ seatId, label, price })),
  amount: reservation.amount,
  expiresAt: reservation.expiresAt,
});

export const ticketToWire = ({
  paidAt,
  ...reservation
}: TicketFacts): MessageInitShape<typeof TicketResponseSchema> => ({
  reservation: reservationToWire(reservation),
  paidAt: paidAt ?? undefined,
});

export const ticketFromWire = ({ reservation, paidAt }: TicketResponse): TicketFacts | null =>
  reservation ? { ...reservationFromWire(reservation), paidAt: paidAt ?? null } : null;
