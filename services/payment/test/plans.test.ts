import { rowsRead } from '@tutti/kit/testing';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { charge, deduct, openBank, returnPoints, type Bank } from './bank.fixture.ts';

// Protocol rule 13, as in services/concert/test/plans.test.ts.
let bank: Bank;
beforeAll(async () => {
  bank = await openBank();
});
afterAll(() => bank.close());

const many = 20_000;

test('plans that were made on empty tables look up what a command names, and nothing else, when the tables are full', async () => {
  await bank.database.query('vacuum (analyze)');
  const session = bank.session();
  const live = async (): Promise<void> => {
    const fans = [1, 2, 3, 4].map(() => ({ userId: randomUUID(), reservationId: randomUUID() }));
    const outcomes = [
      await session.handle(...fans.map(({ userId }) => charge(userId, 100))),
      await session.handle(...fans.map(({ userId, reservationId }) => deduct(userId, 60, { reservationId }))),
      await session.handle(...fans.map(({ userId, reservationId }) => returnPoints(userId, reservationId))),
    ];
    expect(outcomes.flat().every((outcome) => 'ok' in outcome)).toBe(true);
  };
  for (let time = 0; time < 8; time++) await live();

  await bank.database.query(
    'insert into wallet (user_id, balance) select gen_random_uuid(), 0 from generate_series(1, $1)',
    [many],
  );
  await bank.database.query(
    `insert into entry (id, user_id, type, amount, balance_after, position, at)
     select gen_random_uuid(), gen_random_uuid(), 'charge', 1, 1, 1, now() from generate_series(1, $1)`,
    [many],
  );
  await bank.database.query(
    `insert into payment (id, reservation_id, user_id, amount, at)
     select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, now() from generate_series(1, $1)`,
    [many],
  );
  await bank.database.query(
    `insert into journal (saga, step, direction, outcome, ok)
     select gen_random_uuid(), 'points', 'do', '{"ok":{}}', true from generate_series(1, $1) n`,
    [many],
  );
  expect(await rowsRead(session.connection, live)).toBeLessThan(many / 10);
});
