import { rowsRead } from '@tutti/kit/testing';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  cancel,
  confirmPaid,
  markPaid,
  markReserved,
  openHall,
  reserve,
  verdict,
  type Hall,
} from './hall.fixture.ts';

// Protocol rule 13. Plans are cached: made while the tables were empty, they must not read them from end to end when they are
// full, for the whole of a sale.
let hall: Hall;
beforeAll(async () => {
  hall = await openHall();
});
afterAll(() => hall.close());

const many = 20_000;

test('plans that were made on empty tables look up what a command names, and nothing else, when the tables are full', async () => {
  const show = await hall.show(100);
  await hall.database.query('vacuum (analyze)');
  const session = hall.session();
  /** A batch of every command: four seats reserved, one of them unpaid again, three paid, one of those cancelled. */
  const live = async (from: number): Promise<void> => {
    const fans = [0, 1, 2, 3].map((at) => ({
      seat: `S-${from + at}`,
      userId: randomUUID(),
      saga: randomUUID(),
    }));
    const holds = fans.map(({ saga: id, userId }) => ({ id, userId }));
    const sagas = fans.map(() => randomUUID());
    const outcomes = [
      await session.handle(...fans.map(({ seat, ...who }) => reserve(show, [seat], who))),
      await session.handle(...holds.map((hold, at) => markPaid(hold, sagas[at]))),
      await session.handle(...holds.slice(0, 1).map((hold, at) => markReserved(hold, sagas[at] ?? ''))),
      await session.handle(...holds.slice(1).map((hold, at) => confirmPaid(hold, sagas[at + 1] ?? ''))),
      await session.handle(...holds.slice(3).map((hold) => cancel(hold))),
    ];
    expect(new Set(outcomes.flat().map(verdict))).toEqual(new Set(['ok']));
  };
  // More often than PostgreSQL tries plans before it keeps one.
  for (let time = 0; time < 8; time++) await live(1 + time * 4);

  await hall.show(many, 'full');
  await hall.database.query(
    `insert into reservation (id, performance_id, user_id, status, seat_ids, seats, amount, expires_at)
     select gen_random_uuid(), 'full', gen_random_uuid(), 'reserved', array['S-' || n], '[]', 1000, now() + interval '5 minutes'
     from generate_series(1, $1) n`,
    [many],
  );
  await hall.database.query(
    `insert into journal (saga, step, direction, outcome, ok)
     select gen_random_uuid(), 'seats', 'do', '{"ok":{}}', true from generate_series(1, $1) n`,
    [many],
  );
  expect(await rowsRead(session.connection, () => live(50))).toBeLessThan(many / 10);
});
