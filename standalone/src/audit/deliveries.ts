import type { Queryable } from '@tutti/kit/postgres';
import { Findings, rowsThat, type Invariant, type Violation } from './invariant.ts';
import { byId, sideBySide } from './side-by-side.ts';
import { deliveryPatienceSeconds } from './snapshots.ts';

type Reservation = { id: string; status: 'paid' | 'cancelled'; version: number; amount: number };
/** What the partner is told of a reservation: the newest version of each kind, and the amounts named. */
type Told = { id: string; paid: number | null; cancelled: number | null; amounts: string };

const toldSql = `select reservation_id as id, string_agg(distinct body::json ->> 'amount', ', ') as amounts,
    max(version) filter (where body::json ->> 'type' = 'reservation.paid') as paid,
    max(version) filter (where body::json ->> 'type' = 'reservation.cancelled') as cancelled
  from delivery group by reservation_id`;

async function reservationsAreTold(concert: Queryable, partner: Queryable): Promise<Violation[]> {
  const findings = new Findings();
  const reservations = byId<Reservation>(
    concert,
    `select id, status, version, amount from reservation where status in ('paid', 'cancelled')`,
  );
  for await (const { id, left, right } of sideBySide(reservations, byId<Told>(partner, toldSql))) {
    if (!left) continue;
    const row = `${id} is ${left.status} in version ${left.version}`;
    const told = right?.[left.status] ?? null;
    if (told === null) findings.add(`A ${left.status} reservation has no delivery that says so`, row);
    else if (told !== left.version)
      findings.add('A delivery does not tell the last version of its reservation', `${row}, told ${told}`);
    if (right && right.amounts !== String(left.amount))
      findings.add(
        'A delivery names another amount than its reservation',
        `${id} of ${left.amount}, told ${right.amounts}`,
      );
  }
  return findings.violations;
}

/** A payment and the delivery that tells of it have the id of one saga, also when the reservation was withdrawn later. */
async function paymentsAreTold(payment: Queryable, partner: Queryable): Promise<Violation[]> {
  const findings = new Findings();
  const payments = byId<{ id: string; of: string }>(payment, 'select id, reservation_id as of from payment');
  const told = byId(partner, `select id from delivery where body::json ->> 'type' = 'reservation.paid'`);
  for await (const { id, left, right } of sideBySide(payments, told))
    if (left && !right)
      findings.add('A payment has no delivery under its id', `${id} for reservation ${left.of}`);
  return findings.violations;
}

const partnerIsTold: Invariant = {
  number: 10,
  kind: 'Q',
  title: 'the partner was told of every paid and every withdrawn reservation, or it shows that it was not',
  needs: ['drain'],
  check: async ({ snapshots: { concert, payment, partner }, usesStub }) => [
    ...(await reservationsAreTold(concert, partner)),
    ...(await paymentsAreTold(payment, partner)),
    ...(await rowsThat(
      partner,
      'A delivery is due and nobody tries it',
      `select d.id || ' of ' || d.reservation_id || ', ' || d.attempts || ' attempts, due since ' || d.next_attempt_at ||
              coalesce(', last error: ' || d.last_error, '')
       from delivery d
       where d.delivered_at is null and d.set_aside_at is null
         and greatest(d.next_attempt_at, pg_postmaster_start_time()) <= now() - interval '${deliveryPatienceSeconds} seconds'`,
    )),
    ...(await rowsThat(
      partner,
      'The built-in receiver does not have what was delivered to it',
      `select d.id || ' of ' || d.reservation_id || ', delivered at ' || d.delivered_at ||
              case when r.id is null then ', not received' else ', received with another body' end
       from delivery d left join stub_receipt r on r.id = d.id::text
       where d.delivered_at is not null and r.body::jsonb is distinct from d.body::jsonb
         and ${usesStub ?? 'exists (select 1 from stub_receipt)'}`,
    )),
  ],
};

export const deliveryInvariants = [partnerIsTold];
