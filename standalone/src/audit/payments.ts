import type { Queryable } from '@tutti/kit/postgres';
import { differences } from './differences.ts';
import { Findings, rowsThat, type Invariant, type Violation } from './invariant.ts';

const frozen = `(select sum((s ->> 'price')::bigint) from json_array_elements(r.seats) s)`;

async function paidOnce(concert: Queryable, payment: Queryable): Promise<Violation[]> {
  const findings = new Findings();
  const reservations = `select r.id, r.user_id || ' pays ' || ${frozen} as says from reservation r where r.status = 'paid'`;
  const payments = `select reservation_id as id, string_agg(user_id || ' pays ' || amount, ' and ' order by id) as says
    from payment where returned_at is null group by reservation_id`;
  const sides = differences({ from: concert, sql: reservations }, { from: payment, sql: payments });
  for await (const { id, left, right } of sides)
    if (right === null) findings.add('A paid reservation has no payment', `${id}: ${left}`);
    else if (left === null)
      findings.add(
        'A payment that was not returned is for a reservation that is not paid',
        `${id}: ${right}`,
      );
    else
      findings.add(
        'A paid reservation does not have one payment, by its fan, of the price frozen at the hold',
        `${id}: ${left}; payments: ${right}`,
      );
  return findings.violations;
}

async function returnedForCancelled(concert: Queryable, payment: Queryable): Promise<Violation[]> {
  const findings = new Findings();
  const cancelled = `select id, '' as says from reservation where status = 'cancelled'`;
  const returned = `select distinct reservation_id as id, '' as says from payment where returned_at is not null`;
  const sides = differences({ from: concert, sql: cancelled }, { from: payment, sql: returned });
  // Most that are cancelled were never paid.
  for await (const { id, left } of sides)
    if (left === null) findings.add('A payment was returned for a reservation that was not cancelled', id);
  return findings.violations;
}

const paymentsMatch: Invariant = {
  number: 4,
  kind: 'Q',
  title:
    'a paid reservation has one payment, by its fan, of the price frozen at the hold; nothing else keeps one',
  needs: ['no open saga'],
  check: async ({ snapshots: { concert, payment } }) => [
    ...(await paidOnce(concert, payment)),
    ...(await returnedForCancelled(concert, payment)),
    ...(await rowsThat(
      payment,
      'A reservation was paid more than once',
      `select reservation_id || ' by ' || string_agg(id || case when returned_at is null then '' else ' (returned)' end, ' and ')
       from payment group by reservation_id having count(*) > 1`,
    )),
    // The journal keeps what the fan was told when the seats were held. Where it has no row, invariant 7 says so.
    ...(await rowsThat(
      concert,
      'A reservation does not cost what its fan was told at the hold',
      `select r.id || ' costs ' || r.amount || ', told ' || coalesce(j.outcome #>> '{ok,amount}', 'nothing')
       from reservation r join journal j on j.saga = r.id and j.step = 'seats' and j.direction = 'do' and j.ok
       where (j.outcome #>> '{ok,amount}')::bigint is distinct from r.amount
          or (j.outcome #> '{ok,seats}')::jsonb is distinct from r.seats::jsonb`,
    )),
  ],
};

export const paymentInvariants = [paymentsMatch];
