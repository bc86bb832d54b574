import { concert, partner, payment, user } from '@tutti/contracts';
import { saga } from '@tutti/kit/saga';

/**
 *   user.find ── concert.mark-paid ── payment.deduct-points ─┬─ concert.confirm-paid ─┬─ answer
 *                undo: concert.mark-reserved     pivot       └─ partner.deliver ──────┘
 *
 * Too few points refuse the pivot: the seats go back to reserved, still this fan's, and then comes the answer.
 */
type Input = { userId: string; reservationId: string };

export const payReservation = saga<Input>({ name: 'pay-reservation', version: 1, deadlineMs: 30_000 })
  .read('user', user.find, ({ input }) => ({ userId: input.userId }))
  .step(
    'seats',
    concert.markPaid,
    ({ input, user }) => ({ reservationId: input.reservationId, userId: user.userId }),
    { undo: concert.markReserved, with: (input) => ({ reservationId: input.reservationId }) },
  )
  .pivot('points', payment.deductPoints, ({ input, seats }) => ({
    userId: input.userId,
    amount: seats.amount,
    reservationId: input.reservationId,
  }))
  .step('confirmation', concert.confirmPaid, ({ input }) => ({ reservationId: input.reservationId }))
  .step('delivery', partner.deliver, ({ input, seats, points }) => ({
    type: 'reservation.paid' as const,
    reservationId: input.reservationId,
    // Marking was one change of the reservation; confirming is the next.
    version: seats.version + 1,
    performanceId: seats.performanceId,
    seats: seats.seats,
    amount: seats.amount,
    at: points.at,
  }))
  .reply(({ input, seats, points }) => ({
    paymentId: points.paymentId,
    reservationId: input.reservationId,
    status: 'paid',
    amount: seats.amount,
    balance: points.balance,
  }));
