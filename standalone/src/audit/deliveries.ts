import type { Queryable } from '@tutti/kit/postgres';
import { Findings, rowsThat, type Invariant, type Violation } from './invariant.ts';
import { differences } from './differences.ts';
import { deliveryPatienceSeconds } from './snapshots.ts';

const kind = `replace(body::json ->> 'type', 'reservation.', '')`;

/** The newest delivery of a reservation tells what became of it. */
async function reservationsAreTold(concert: Queryable, partner: Queryable): Promise<Violation[]> {
  const findings = new Findings();
  const reservations = `select id, concat_ws(' ', status, 'in version', version, 'for', amount) as says from reservation
    where status in ('paid', 'cancelled')`;
  const told = `select distinct on (reservation_id) reservation_id as id,
      concat_ws(' ', ${kind}, 'in version', version, 'for', body::json ->> 'amount') as says
    from delivery order by reservation_id, version desc`;
  const sides = differences({ from: concert, sql: reservations }, { from: partner, sql: told });
  for await (const { id, left, right } of sides) {
    if (right === null) findings.add('A paid or cancelled reservation has no delivery', `${id} is ${left}`);
    else if (left === null)
      findings.add(
        'A delivery tells of a reservation that is neither paid nor cancelled',
        `${id}, told ${right}`,
      );
    else
      findings.add(
        'A delivery does not tell what became of its reservation',
        `${id} is ${left}, told ${right}`,
      );
  }
  return findings.violations;
}

/** A payment and the delivery that tells of it have the id of one saga, also when the reservation was withdrawn later. */
async function paymentsAreTold(payment: Queryable, partner: Queryable): Promise<Violation[]> {
  const findings = new Findings();
  const payments = 'select id, reservation_id::text as says from payment';
  const told = `select id, reservation_id::text as says from delivery where ${kind} = 'paid'`;
  const sides = differences({ from: payment, sql: payments }, { from: partner, sql: told });
  for await (const { id, left, right } of sides) {
    if (right === null)
      findings.add('A payment has no delivery under its id', `${id} for reservation ${left}`);
    else findings.add('A delivery tells of a payment that is not there', `${id} for reservation ${right}`);
  }
  return findings.violations;
}

async function cancellationsAreTold(orchestrator: Queryable, partner: Queryable): Promise<Violation[]> {
  const findings = new Findings();
  const sagas = `select id, input ->> 'reservationId' as says from saga
    where name = 'cancel-reservation' and status = 'succeeded'`;
  const told = `select id, reservation_id::text as says from delivery where ${kind} = 'cancelled'`;
  const sides = differences({ from: orchestrator, sql: sagas }, { from: partner, sql: told });
  // Who cancels what is cancelled has it told already.
  for await (const { id, right } of sides)
    if (right !== null)
      findings.add('A delivery tells of a cancellation that did not take place', `${id} of ${right}`);
  return findings.violations;
}

const partnerIsTold: Invariant = {
  number: 10,
  kind: 'Q',
  title: 'the partner was told of every paid and every withdrawn reservation, or it shows that it was not',
  needs: ['no open saga', 'no due delivery'],
  check: async ({ snapshots: { orchestrator, concert, payment, partner }, usesStub }) => [
    ...(await reservationsAreTold(concert, partner)),
    ...(await paymentsAreTold(payment, partner)),
    ...(await cancellationsAreTold(orchestrator, partner)),
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
