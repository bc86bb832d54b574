import type { Queryable } from '@tutti/kit/postgres';
import type { DatabaseName } from '../system.ts';
import { Findings, rowsThat, type Snapshots, type Violation } from './invariant.ts';
import { byId, sideBySide } from './side-by-side.ts';

// What sagas left behind: rows that carry the saga's id. Neither may be without the other, and both must speak of the same.

type Effect = {
  readonly row: string;
  readonly database: DatabaseName;
  /** A statement for id and `about`: what the row is about, as text. */
  readonly rows: string;
  /** Sagas that leave such a row, and the text `about` what they were asked. */
  readonly sagas: readonly string[];
  readonly asked: string;
  /** False: a saga that succeeds may have had nothing to do. */
  readonly always: boolean;
};

const inOrder = (list: string): string =>
  `(select string_agg(s.id, ' ' order by s.id collate "C") from ${list} s(id))`;

const effects: readonly Effect[] = [
  {
    row: 'reservation',
    database: 'concert',
    rows: `select id, concat_ws(' ', user_id, performance_id, ${inOrder('unnest(seat_ids)')}) as about from reservation`,
    sagas: ['reserve-seats'],
    asked: `concat_ws(' ', fan, input ->> 'performanceId', ${inOrder(`json_array_elements_text(input -> 'seatIds')`)})`,
    always: true,
  },
  {
    row: 'payment',
    database: 'payment',
    rows: `select id, concat_ws(' ', user_id, reservation_id) as about from payment`,
    sagas: ['pay-reservation'],
    asked: `concat_ws(' ', fan, input ->> 'reservationId')`,
    always: true,
  },
  {
    row: 'charge entry',
    database: 'payment',
    rows: `select id, concat_ws(' ', user_id, amount) as about from entry where type = 'charge'`,
    sagas: ['charge-points'],
    asked: `concat_ws(' ', fan, input ->> 'amount')`,
    always: true,
  },
  {
    row: 'return entry',
    database: 'payment',
    rows: `select id, concat_ws(' ', user_id, reservation_id) as about from entry where type = 'return'`,
    sagas: ['cancel-reservation'],
    asked: `concat_ws(' ', fan, input ->> 'reservationId')`,
    // Nothing comes back for what was not paid, nor for cancelling again.
    always: false,
  },
  {
    row: 'delivery',
    database: 'partner',
    rows: `select id, reservation_id::text as about from delivery`,
    sagas: ['pay-reservation', 'cancel-reservation'],
    asked: `input ->> 'reservationId'`,
    // Cancelling again is told already.
    always: false,
  },
];

type SagaRow = { id: string; name: string; status: string; asked: string };
type EffectRow = { id: string; about: string };

/** Part of invariant 7. */
export async function effectsBelongToSagas(snapshots: Snapshots): Promise<Violation[]> {
  const findings = new Findings();
  for (const effect of effects) await compare(snapshots, effect, findings);
  return [...findings.violations, ...(await cancellations(snapshots))];
}

async function compare(snapshots: Snapshots, effect: Effect, findings: Findings): Promise<void> {
  const { row, always } = effect;
  const names = effect.sagas.map((name) => `'${name}'`).join(', ');
  const sagas = byId<SagaRow>(
    snapshots.orchestrator,
    `select id, name, status, ${effect.asked} as asked from saga where name in (${names})`,
  );
  const rows = byId<EffectRow>(snapshots[effect.database], effect.rows);
  for await (const { id, left: saga, right: found } of sideBySide(sagas, rows)) {
    if (!saga) findings.add(`A ${row} belongs to no saga that makes one`, `${id} (${found?.about})`);
    else if (saga.status === 'succeeded' && !found && always)
      findings.add(`A saga succeeded without leaving its ${row}`, `${saga.name} ${id} (${saga.asked})`);
    else if (saga.status !== 'succeeded' && found)
      findings.add(
        `A saga left its ${row} without having succeeded`,
        `${saga.name} ${id} ${saga.status} (${found.about})`,
      );
    else if (found && saga.asked !== found.about)
      findings.add(
        `A ${row} is not what its saga was asked for`,
        `${id}: asked ${saga.asked}, left ${found.about}`,
      );
  }
}

/** A cancellation changes a row of another saga: the ids that meet are those of reservations. */
async function cancellations({ orchestrator, concert }: Snapshots): Promise<Violation[]> {
  const findings = new Findings();
  const asked = byId(
    orchestrator,
    `select distinct (input ->> 'reservationId')::uuid as id from saga
     where name = 'cancel-reservation' and status = 'succeeded'`,
  );
  const cancelled = byId(concert, `select id from reservation where status = 'cancelled'`);
  for await (const { id, left, right } of sideBySide(asked, cancelled)) {
    if (!right) findings.add('A saga cancelled a reservation that is not cancelled', id);
    if (!left) findings.add('A reservation was cancelled by no saga', id);
  }
  return [...findings.violations, ...(await leftPaying(concert))];
}

const leftPaying = (concert: Queryable): Promise<Violation[]> =>
  rowsThat(
    concert,
    'A reservation is still being paid although no saga is open',
    `select r.id || ' by saga ' || r.paying_saga from reservation r where r.status = 'paying'`,
  );
