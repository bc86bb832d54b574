import { joinRootOf } from '@tutti/contracts/line';
import { createLog } from '@tutti/kit/service';
import { until } from '@tutti/kit/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startWaitingRoom } from '../src/main.ts';
import { fans, isIn, key, Room } from './line.fixture.ts';

let room: Room;
beforeAll(async () => {
  room = await Room.open(1);
});
afterAll(() => room.close());

/** A sale of one slot where this fan is inside and everybody's turn has come. */
async function oneInside(...crowd: readonly string[]): Promise<string> {
  const sale = await room.sale({ inside: 1 });
  const [first = ''] = crowd;
  for (const fan of crowd) await room.join(sale, fan);
  await until('the first is in', async () => isIn(await room.ask(sale, first)));
  await room.place.database.query('update sale set serving = joined where concert_id = $1', [sale]);
  return sale;
}

async function out(sale: string, fan: string): Promise<void> {
  await room.services[0]?.queries.leave(sale, fan);
  await until('the slot is free', async () => (await room.inside(sale)) === 0);
}

const told = async (sale: string, fan: string) => {
  const { ahead } = await room.join(sale, fan);
  const answer = await room.ask(sale, fan);
  return { ahead, answer };
};

test.concurrent('who has never been inside goes before who comes again, whatever their numbers', async () => {
  const [first = '', second = '', third = ''] = fans(3);
  const sale = await oneInside(first, second, third);
  await out(sale, first);
  expect(isIn(await room.ask(sale, second))).toBe(true);
  // Both stand at the door; the one who was inside has the smaller number and asked first.
  expect(await told(sale, first)).toMatchObject({ ahead: 0, answer: { code: 'not_your_turn', ahead: 0 } });
  expect(await told(sale, third)).toMatchObject({ ahead: 0, answer: { code: 'not_your_turn', ahead: 0 } });
  expect(await told(sale, first)).toMatchObject({ ahead: 1, answer: { code: 'not_your_turn', ahead: 1 } });
  await out(sale, second);
  await room.stillAtDoor(sale);
  expect(await told(sale, first)).toMatchObject({ ahead: 1, answer: { code: 'not_your_turn', ahead: 1 } });
  expect(isIn(await room.ask(sale, third))).toBe(true);
});

test.concurrent('who comes again while others were not called yet is told the same on joining as on asking, and keeps nobody from being called', async () => {
  const [first = '', second = '', newcomer = '', next = ''] = fans(4);
  const sale = await oneInside(first, second);
  await out(sale, first);
  expect(isIn(await room.ask(sale, second))).toBe(true);
  expect(await told(sale, first)).toMatchObject({ answer: { code: 'not_your_turn', ahead: 0 } });
  // Nobody is called while the promoter lets nobody be: what is told can be compared.
  const { id } = await room.saleRow(sale);
  room.office.add({ concertId: sale, pace: 0 });
  await until('the pace is heard', async () => {
    const rows = await room.place.database.query('select 1 from sale where id = $1 and pace = 0', [id]);
    return rows.length === 1;
  });
  for (const fan of [newcomer, next]) await room.join(sale, fan);
  expect(await told(sale, first)).toMatchObject({ ahead: 2, answer: { code: 'not_your_turn', ahead: 2 } });
  const place = await room.join(sale, first);
  expect(place.estimatedWaitSeconds.high).toBeGreaterThan(0);
  expect(await atDoor(id)).toBe(0);
  // When everybody is called, the order at the door is all there is.
  await room.stillAtDoor(sale);
  await room.place.database.query('update sale set serving = joined where id = $1', [id]);
  expect(await atDoor(id)).toBe(1);
});

const atDoor = async (id: number): Promise<number | undefined> =>
  (await room.store.figures()).find((line) => line.id === id)?.atDoor;

const earlier = new Date(Date.now() - 60_000).toISOString();
const later = new Date(Date.now() + 3_600_000).toISOString();

test.concurrent.each([
  { what: 'is paused', terms: { state: 'paused' as const } },
  { what: 'is put off after its opening', terms: { opensAt: later } },
])(
  'those inside get back the time for which a sale $what, and are not out by time meanwhile',
  async ({ terms }) => {
    const [stayer = '', leaver = ''] = fans(2);
    const sale = await room.sale({ inside: 2 });
    for (const fan of [stayer, leaver])
      await until('the fan is in', async () => isIn(await room.ask(sale, fan)));
    const { id } = await room.saleRow(sale);
    /** In seconds since 1970, by the database's clock. */
    const endsAt = async (): Promise<number> => {
      const [row] = await room.place.database.query<{ seconds: number }>(
        `select extract(epoch from ends_at)::float8 as seconds from slot where sale = $1 and fan = $2`,
        [id, stayer],
      );
      return row?.seconds ?? NaN;
    };
    room.office.add({ concertId: sale, ...terms });
    await until('it stands', async () => {
      const rows = await room.place.database.query(
        'select 1 from sale where id = $1 and stood_since is not null',
        [id],
      );
      return rows.length === 1;
    });
    // An hour passes.
    for (const statement of [
      `update sale set stood_since = stood_since - interval '1 hour' where id = $1`,
      `update slot set ends_at = ends_at - interval '1 hour' where sale = $1`,
    ])
      await room.place.database.query(statement, [id]);
    expect(await endsAt()).toBeLessThan(Date.now() / 1_000);
    // Who goes out of their own will is seen to be out: so it was looked who is.
    await room.services[0]?.queries.leave(sale, leaver);
    await until('one is out', async () => (await room.inside(sale)) === 1);
    expect(await room.join(sale, stayer)).toMatchObject({ status: 'admitted' });
    await until('it is told', async () => (await room.queue(sale))['phase'] === 'paused');
    expect(await room.ask(sale, stayer)).toEqual({ code: 'sale_paused' });
    const before = await endsAt();
    room.office.add({ concertId: sale, state: 'open', opensAt: earlier });
    await until('it goes on', async () => (await room.queue(sale))['phase'] === 'open');
    expect((await endsAt()) - before).toBeGreaterThanOrEqual(3_600);
    expect(isIn(await room.ask(sale, stayer))).toBe(true);
    expect(await room.join(sale, leaver)).toMatchObject({ status: 'waiting' });
  },
);

// More than is drawn within a lease on the machines we know, so that one which is not renewed is lost.
const manyFans = 80_000;

test.concurrent('a draw that takes longer than a lease lasts is drawn by one of two, and listed page by page', async () => {
  const own = await Room.open(0);
  try {
    for (const sales of [own.office, own.office])
      own.services.push(
        await startWaitingRoom({
          connection: own.place.connection,
          sales,
          log: createLog('silent'),
          admissionTokenKey: key,
          admissionSeconds: 600,
          leaseSeconds: 1,
        }),
      );
    const opensAt = new Date(Date.now() + 3_600_000).toISOString();
    const sale = await own.sale({ opensAt });
    const { id } = await own.saleRow(sale);
    await own.place.database.query(
      'insert into place (sale, arrival, fan) select $1, n - 1, gen_random_uuid() from generate_series(1, $2) n',
      [id, manyFans],
    );
    await own.place.database.query('update sale set joined = $2 where id = $1', [id, manyFans]);
    own.office.add({ concertId: sale, opensAt: new Date().toISOString() });
    await until('the order is drawn', async () => (await own.queue(sale))['seed'] !== undefined, 60_000);
    const list: string[] = [];
    for (;;) {
      const some = (await own.services[1]?.queries.joins(sale, list.length)) ?? [];
      if (some.length === 0) break;
      list.push(...some);
    }
    expect(list).toHaveLength(manyFans);
    expect(joinRootOf(list)).toBe((await own.queue(sale))['joinRoot']);
    // From anywhere, also in the middle of what was written together.
    expect((await own.services[0]?.queries.joins(sale, 777))?.[0]).toBe(list[777]);
    expect(await own.services[0]?.queries.joins(sale, manyFans)).toEqual([]);
  } finally {
    await own.close();
  }
}, 90_000);
