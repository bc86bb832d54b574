import type { DatabaseName } from '../system.ts';
import { differences } from './differences.ts';
import { Findings, rowsThat, type Snapshots, type Violation } from './invariant.ts';

// What sagas left behind: rows that carry the saga's id. Neither may be without the other, and both must speak of the same.

type Effect = {
  readonly row: string;
  readonly database: DatabaseName;
  readonly rows: string;
  readonly saga: string;
  /** False: a saga that succeeds may have had nothing to do. */
  readonly always: boolean;
  /** The same text on both sides: what was asked for, and what is there. */
  readonly asked: string;
  readonly says: string;
};

const inOrder = (list: string): string =>
  `(select string_agg(s.id, ' ' order by s.id collate "C") from ${list} s(id))`;

const effects: readonly Effect[] = [
  {
    row: 'reservation',
    database: 'concert',
    rows: 'reservation',
    saga: 'reserve-seats',
    always: true,
    asked: `concat_ws(' ', fan, input ->> 'performanceId', ${inOrder(`json_array_elements_text(input -> 'seatIds')`)})`,
    says: `concat_ws(' ', user_id, performance_id, ${inOrder('unnest(seat_ids)')})`,
  },
  {
    row: 'payment',
    database: 'payment',
    rows: 'payment',
    saga: 'pay-reservation',
    always: true,
    asked: `concat_ws(' ', fan, input ->> 'reservationId')`,
    says: `concat_ws(' ', user_id, reservation_id)`,
  },
  {
    row: 'charge entry',
    database: 'payment',
    rows: `entry where type = 'charge'`,
    saga: 'charge-points',
    always: true,
    asked: `concat_ws(' ', fan, input ->> 'amount')`,
    says: `concat_ws(' ', user_id, amount)`,
  },
  {
    row: 'return entry',
    database: 'payment',
    rows: `entry where type = 'return'`,
    saga: 'cancel-reservation',
    // Nothing comes back for what was not paid, nor for cancelling again.
    always: false,
    asked: `concat_ws(' ', fan, input ->> 'reservationId')`,
    says: `concat_ws(' ', user_id, reservation_id)`,
  },
];

/** Part of invariant 7. */
export async function effectsBelongToSagas(snapshots: Snapshots): Promise<Violation[]> {
  const findings = new Findings();
  for (const effect of effects) await compare(snapshots, effect, findings);
  await compareCancellations(snapshots, findings);
  const leftPaying = await rowsThat(
    snapshots.concert,
    'A reservation is still being paid although no saga is open',
    `select r.id || ' by saga ' || r.paying_saga from reservation r where r.status = 'paying'`,
  );
  return [...findings.violations, ...leftPaying];
}

async function compare(snapshots: Snapshots, effect: Effect, findings: Findings): Promise<void> {
  const { row, rows, database, saga, always, asked, says } = effect;
  const sides = differences(
    {
      from: snapshots.orchestrator,
      sql: `select id, ${asked} as says from saga where name = '${saga}' and status = 'succeeded'`,
    },
    { from: snapshots[database], sql: `select id, ${says} as says from ${rows}` },
  );
  for await (const { id, left, right } of sides) {
    if (left === null) findings.add(`A ${row} belongs to no ${saga} that succeeded`, `${id} (${right})`);
    else if (right !== null)
      findings.add(`A ${row} is not what its saga was asked for`, `${id}: asked ${left}, left ${right}`);
    else if (always) findings.add(`A saga succeeded without leaving its ${row}`, `${saga} ${id} (${left})`);
  }
}

/** A cancellation changes a row of another saga: the ids that meet are those of reservations. */
async function compareCancellations({ orchestrator, concert }: Snapshots, findings: Findings): Promise<void> {
  const asked = `select distinct (input ->> 'reservationId')::uuid as id, '' as says from saga
    where name = 'cancel-reservation' and status = 'succeeded'`;
  const cancelled = `select id, '' as says from reservation where status = 'cancelled'`;
  const sides = differences({ from: orchestrator, sql: asked }, { from: concert, sql: cancelled });
  for await (const { id, left } of sides)
    if (left === null) findings.add('A reservation was cancelled by no saga', id);
    else findings.add('A saga cancelled a reservation that is not cancelled', id);
}
