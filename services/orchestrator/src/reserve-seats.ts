import { concert, user, type Admission, type Seat } from '@tutti/contracts';
import { saga } from '@tutti/kit/saga';

/**
 *   user.find ── concert.reserve-seats ── answer
 *                     pivot
 *
 * A taken seat refuses the pivot: nothing was done, so nothing is undone, and the refusal is the answer.
 */
type Input = {
  userId: string;
  performanceId: string;
  seatIds: string[];
  admission?: Admission;
  /** Seats to offer instead if these are gone, as they were chosen when the fan asked: part of the answer's bytes. */
  alternatives?: string[][];
};

export const reserveSeats = saga<Input>({ name: 'reserve-seats', version: 1, deadlineMs: 10_000 })
  .read('user', user.find, ({ input }) => ({ userId: input.userId }))
  .pivot('seats', concert.reserveSeats, ({ input, user }) => ({
    userId: user.userId,
    performanceId: input.performanceId,
    seatIds: input.seatIds,
    ...(input.admission && { admission: input.admission }),
  }))
  .reply(({ seats }) => ({
    reservationId: seats.reservationId,
    status: 'reserved',
    performanceId: seats.performanceId,
    seats: seats.seats.map(inOrder),
    amount: seats.amount,
    expiresAt: seats.expiresAt,
  }));

/** Names the keys, so that the bytes do not depend on the order in which a database gives them. */
const inOrder = ({ seatId, label, price }: Seat): Seat => ({ seatId, label, price });
