import { concert, partner, payment } from '@tutti/contracts';
import { saga } from '@tutti/kit/saga';

/**
 *   concert.cancel ─┬─ payment.return-points ─┬─ answer
 *       pivot       └─ partner.deliver ───────┘
 *
 * It looks no user up: the points of a deleted account still go back.
 */
type Input = { userId: string; reservationId: string };

export const cancelReservation = saga<Input>({ name: 'cancel-reservation', version: 1, deadlineMs: 10_000 })
  .pivot('cancel', concert.cancel, ({ input }) => ({
    reservationId: input.reservationId,
    userId: input.userId,
  }))
  .step('points', payment.returnPoints, ({ input }) => ({
    userId: input.userId,
    reservationId: input.reservationId,
  }))
  .step('delivery', partner.deliver, ({ cancel }) => ({
    type: 'reservation.cancelled' as const,
    reservationId: cancel.reservationId,
    version: cancel.version,
    performanceId: cancel.performanceId,
    seats: cancel.seats,
    amount: cancel.amount,
    at: cancel.at,
  }))
  .reply(({ cancel, points }) => ({
    reservationId: cancel.reservationId,
    status: 'cancelled',
    performanceId: cancel.performanceId,
    seats: cancel.seats.map(({ seatId, label, price }) => ({ seatId, label, price })),
    amount: cancel.amount,
    expiresAt: cancel.expiresAt,
    returned: points.returned,
  }));
