import { effect, reads, type None } from './command.ts';

export type Seat = { seatId: string; label: string; price: number };

/** A fact for the promoter's own system; `version` grows with every change of the reservation. */
export type PartnerEvent = {
  type: 'reservation.paid' | 'reservation.cancelled';
  reservationId: string;
  version: number;
  performanceId: string;
  seats: Seat[];
  amount: number;
  at: string;
};

export const user = {
  find: reads<{ userId: string }, { userId: string }, { user_not_found: None }>('user.find'),
};

/** By which admission a fan reserves, where the concert has a waiting room; checked again in the transaction that reserves. */
export type Admission = { concertId: string; number: number; generation: number };

export const concert = {
  reserveSeats: effect<
    { performanceId: string; seatIds: string[]; userId: string; admission?: Admission },
    { reservationId: string; performanceId: string; seats: Seat[]; amount: number; expiresAt: string },
    {
      performance_not_found: None;
      seat_not_found: { seatIds: string[] };
      sale_not_open: { opensAt: string };
      sale_closed: None;
      seat_limit_exceeded: { limit: number; held: number };
      seat_unavailable: { seatIds: string[] };
      admission_required: None;
      admission_expired: None;
      admission_invalid: None;
    }
  >('concert.reserve-seats'),
  /** reserved → paying. The name is the requirement's; the seat is shown as paid only once the points were taken. */
  markPaid: effect<
    { reservationId: string; userId: string },
    { amount: number; performanceId: string; seats: Seat[]; version: number },
    {
      reservation_not_found: None;
      reservation_expired: None;
      reservation_cancelled: None;
      already_paid: None;
      payment_in_progress: None;
    }
  >('concert.mark-paid'),
  /** The undo of `markPaid`: paying → reserved, at least 60 s before the hold ends, once per reservation. */
  markReserved: effect<{ reservationId: string }, { expiresAt: string | null }>('concert.mark-reserved'),
  /** paying → paid, after the points were taken. */
  confirmPaid: effect<{ reservationId: string }, None>('concert.confirm-paid'),
  /** reserved or paid → cancelled, its seats free. */
  cancel: effect<
    { reservationId: string; userId: string },
    {
      reservationId: string;
      performanceId: string;
      seats: Seat[];
      amount: number;
      expiresAt: string;
      at: string;
      version: number;
    },
    {
      reservation_not_found: None;
      reservation_expired: None;
      payment_in_progress: None;
      cancellation_closed: None;
    }
  >('concert.cancel'),
};

export const payment = {
  deductPoints: effect<
    { userId: string; amount: number; reservationId: string },
    { paymentId: string; balance: number; at: string },
    { insufficient_points: { balance: number; amount: number } }
  >('payment.deduct-points'),
  chargePoints: effect<
    { userId: string; amount: number },
    { entryId: string; balance: number },
    { balance_limit: { balance: number; limit: number } }
  >('payment.charge-points'),
  /** What the reservation had cost goes back, once; nothing when it was not paid. */
  returnPoints: effect<{ userId: string; reservationId: string }, { returned: number; balance: number }>(
    'payment.return-points',
  ),
};

export const partner = {
  /** Ok once the delivery is durably the partner service's own; sending it over HTTP follows and is retried. */
  deliver: effect<PartnerEvent, None>('partner.deliver'),
};
