import { Findings, rowsThat, type Invariant } from './invariant.ts';
import { byId, sideBySide } from './side-by-side.ts';

type Reservation = { id: string; userId: string; status: string; amount: number; frozen: number | null };

/** All payments of one reservation, returned or not. */
type Payments = { id: string; payers: string; amounts: string; paid: number; returned: number };

/** What is wrong between a reservation and its payments, if anything. */
function judge(reservation: Reservation | undefined, payments: Payments | undefined): string | undefined {
  const { paid = 0, returned = 0, payers, amounts } = payments ?? {};
  if (!reservation) return 'A payment is for a reservation that does not exist';
  const { status, userId, amount, frozen } = reservation;
  if (status === 'paid') {
    if (paid !== 1) return 'A paid reservation does not have exactly one payment';
    if (payers !== userId) return 'A reservation was paid by another fan than its own';
    if (amounts !== String(amount) || frozen !== amount)
      return 'A payment is not the price frozen at the hold';
  } else if (paid > 0) return 'A reservation that is not paid has a payment that was not returned';
  else if (returned > 0 && status !== 'cancelled')
    return 'A payment was returned for a reservation that was not cancelled';
  if (paid + returned > 1) return 'A reservation was paid more than once';
  return undefined;
}

const paymentsMatch: Invariant = {
  number: 4,
  kind: 'Q',
  title:
    'a paid reservation has one payment, by its fan, of the price frozen at the hold; nothing else keeps one',
  needs: ['drain'],
  check: async ({ snapshots: { concert, payment } }) => {
    const findings = new Findings();
    const reservations = byId<Reservation>(
      concert,
      `select id, user_id as "userId", status, amount, case when status = 'paid' then (
         select sum((s ->> 'price')::bigint)::bigint from json_array_elements(seats) s) end as frozen
       from reservation`,
    );
    const payments = byId<Payments>(
      payment,
      `select reservation_id as id, string_agg(distinct user_id::text, ', ') as payers,
              string_agg(amount::text, ', ') as amounts,
              count(*) filter (where returned_at is null) as paid,
              count(*) filter (where returned_at is not null) as returned
       from payment group by reservation_id`,
    );
    for await (const { id, left, right } of sideBySide(reservations, payments)) {
      const wrong = judge(left, right);
      if (wrong === undefined) continue;
      const reservation = left ? `is ${left.status}, ${left.amount} by ${left.userId}` : 'does not exist';
      const paid = right
        ? `${right.paid} paid and ${right.returned} returned, ${right.amounts} by ${right.payers}`
        : 'none';
      findings.add(wrong, `${id} ${reservation}; payments: ${paid}`);
    }
    // The journal keeps what the fan was told when the seats were held. Where it has no row, invariant 7 says so.
    const frozen = await rowsThat(
      concert,
      'A reservation does not cost what its fan was told at the hold',
      `select r.id || ' costs ' || r.amount || ', told ' || coalesce(j.outcome #>> '{ok,amount}', 'nothing')
       from reservation r join journal j on j.saga = r.id and j.step = 'seats' and j.direction = 'do' and j.ok
       where (j.outcome #>> '{ok,amount}')::bigint is distinct from r.amount
          or (j.outcome #> '{ok,seats}')::jsonb is distinct from r.seats::jsonb`,
    );
    return [...findings.violations, ...frozen];
  },
};

export const paymentInvariants = [paymentsMatch];
