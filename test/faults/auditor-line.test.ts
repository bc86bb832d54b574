import { until } from '@tutti/kit/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Fan } from '../support/client.ts';
import { openHouse, type House } from '../support/house.ts';
import { askIn, goIn, guardedSale, placeOf, reserveWith } from '../support/line.ts';
import { expectRed } from './auditor.fixture.ts';

// Invariant 11, each part of it broken once: in the code, or in the rows.

let house: House;
let sale: string;
let fan: Fan;
beforeAll(async () => {
  house = await openHouse();
  sale = await guardedSale(house, { inside: 2 });
  fan = await house.fan();
  expect((await reserveWith(fan, sale, ['S-1'], await goIn(fan, sale))).status).toBe(201);
  await placeOf(await house.fan(), sale);
});
afterAll(() => house.stop());

const room = (sql: string, values: unknown[] = []) => house.databases.waiting_room.query(sql, values);

test('a line that is followed is green', async () => {
  expect(await expectRed(house, [])).toBe('');
});

test('a turn that nobody looks at lets a fan in early: 11', async () => {
  const [{ source } = { source: '' }] = await house.databases.waiting_room.query<{ source: string }>(
    `select pg_get_functiondef('admit'::regproc) as source`,
  );
  expect(source).toContain('w.number <= s.serving');
  const still = await guardedSale(house, { inside: 1, pace: 0 });
  const eager = await house.fan();
  const { queueToken } = await placeOf(eager, still);
  await until('it is open', async () => {
    const rows = await room('select 1 from sale where concert_id = $1 and seed is not null', [still]);
    return rows.length > 0;
  });
  await room(source.replace('w.number <= s.serving', 'true'));
  await until('the fan is in', async () => (await askIn(eager, still, queueToken)).status === 201);
  await room(source);
  expect(await expectRed(house, [11])).toContain('out of turn');
  // The database keeps the ledger of it: put right by hand, it is green again.
  await room('delete from admission where fan = $1', [eager.userId]);
  await room('update slot set fan = null, number = null, generation = null where fan = $1', [eager.userId]);
  await house.databases.concert.query('delete from admission where user_id = $1', [eager.userId]);
  await expectRed(house, []);
});

const damages = [
  {
    damage: 'a place was lost',
    sql: 'delete from place where fan = $1',
    undo: 'insert into place (sale, arrival, fan) select sale, number - 1, fan from admission where fan = $1',
    says: 'has gaps',
  },
  {
    damage: 'a slot was given away under the one who has it',
    sql: 'update slot set generation = generation + 1 where fan = $1',
    undo: 'update slot set generation = generation - 1 where fan = $1',
    says: 'do not agree',
  },
  {
    damage: 'a number was traded',
    sql: 'update admission set number = number + 1, serving = serving + 1 where fan = $1',
    undo: 'update admission set number = number - 1, serving = serving - 1 where fan = $1',
    says: 'not theirs',
  },
  {
    damage: 'an admission was forgotten',
    sql: 'update admission set generation = 0 where fan = $1',
    undo: 'update admission set generation = 1 where fan = $1',
    says: 'nobody was given',
  },
];

test.each(damages)('$damage: 11', async ({ sql, undo, says }) => {
  await until(
    'nobody moves it',
    async () => (await room('select 1 from slot where fan = $1', [fan.userId])).length === 1,
  );
  await room(sql, [fan.userId]);
  try {
    expect(await expectRed(house, [11])).toContain(says);
  } finally {
    await room(undo, [fan.userId]);
  }
  await expectRed(house, []);
});

test('a seat that is reserved past the gate: 11', async () => {
  const { concert } = house.databases;
  const [before] = await concert.query<{ pace: number; since: Date }>(
    'select pace, guarded_since as since from concert where id = $1',
    [sale],
  );
  await concert.query('update concert set inside = null, pace = null, guarded_since = null where id = $1', [
    sale,
  ]);
  const other = await house.fan();
  await until('the gate is open', async () => (await other.reserve(sale, ['S-9'])).status === 201);
  await concert.query('update concert set inside = 2, pace = $2, guarded_since = $3 where id = $1', [
    sale,
    before?.pace,
    before?.since,
  ]);
  expect(await expectRed(house, [11])).toContain('without an admission');
});
