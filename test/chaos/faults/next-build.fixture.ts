import { concert, partner, payment } from '@tutti/contracts';
import { saga } from '@tutti/kit/saga';
import { sagas } from '@tutti/orchestrator';

// Imported before an orchestrator begins, this makes it the next build: it knows a second version of a saga beside the first.

type Input = { userId: string; reservationId: string };

/** Pays without looking the user up first: other steps, other bodies, the same answer. */
const payReservation = saga<Input>({ name: 'pay-reservation', version: 2, deadlineMs: 20_000 })
  .step(
    'marking',
    concert.markPaid,
    ({ input }) => ({ reservationId: input.reservationId, userId: input.userId }),
    { undo: concert.markReserved, with: (input) => ({ reservationId: input.reservationId }) },
  )
  .pivot('points', payment.deductPoints, ({ input, marking }) => ({
    userId: input.userId,
    amount: marking.amount,
    reservationId: input.reservationId,
  }))
  .step('confirmation', concert.confirmPaid, ({ input }) => ({ reservationId: input.reservationId }))
  .step('delivery', partner.deliver, ({ input, marking, points }) => ({
    type: 'reservation.paid' as const,
    reservationId: input.reservationId,
    version: marking.version + 1,
    performanceId: marking.performanceId,
    seats: marking.seats,
    amount: marking.amount,
    at: points.at,
  }))
  .reply(({ input, marking, points }) => ({
    paymentId: points.paymentId,
    reservationId: input.reservationId,
    status: 'paid',
    amount: marking.amount,
    balance: points.balance,
  }));

sagas.push(payReservation);
