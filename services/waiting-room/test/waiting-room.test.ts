import { checkJoins, checkSeed, isRight, numberOf, type PublishedShuffle } from '@tutti/contracts/line';
import { gate, until } from '@tutti/kit/testing';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LineStore } from '../src/store.ts';
import { fans, isIn, Room } from './line.fixture.ts';

let room: Room;
beforeAll(async () => {
  room = await Room.open(2);
});
afterAll(() => room.close());

const serving = async (concertId: string): Promise<number> => (await room.saleRow(concertId)).serving;

describe('places', () => {
  test('joins at two processes at once are numbered without a gap, one place for each fan', async () => {
    const sale = await room.sale();
    const crowd = fans(300);
    const places = await Promise.all(
      [...crowd, ...crowd, ...crowd].map((fan, index) => room.join(sale, fan, index % 2)),
    );
    expect(places.filter(({ isNew }) => isNew)).toHaveLength(crowd.length);
    const rows = await room.place.database.query<{ arrival: number; fan: string }>(
      'select arrival, fan from place where sale = $1 order by arrival',
      [(await room.saleRow(sale)).id],
    );
    expect(rows.map(({ arrival }) => arrival)).toEqual(crowd.map((_, index) => index));
    expect(new Set(rows.map(({ fan }) => fan))).toEqual(new Set(crowd));
    expect((await room.saleRow(sale)).joined).toBe(crowd.length);
  });

  test('who comes while the catalogue is asked of a new sale waits for its answer', async () => {
    const concertId = `sale-${randomUUID()}`;
    room.office.add({ concertId });
    const sales = room.sales();
    const found = await Promise.all([sales.find(concertId), sales.find(concertId)]);
    expect(found.map((sale) => sale?.row.concertId)).toEqual([concertId, concertId]);
  });

  test('who came before the opening is numbered by a draw that anybody can repeat, who came after it as they came', async () => {
    const opensAt = new Date(Date.now() + 3_600_000).toISOString();
    const sale = await room.sale({ opensAt });
    const crowd = fans(40);
    const places = [];
    for (const fan of crowd) places.push(await room.join(sale, fan));
    expect(places.map((place) => place.status === 'pre_queue' && place.arrival)).toEqual(
      crowd.map((_, index) => index),
    );
    expect(await room.ask(sale, crowd[0] ?? '')).toMatchObject({ code: 'not_your_turn' });
    const { commitment, seed: hidden } = await room.queue(sale);
    expect(hidden).toBeUndefined();
    expect(await room.services[0]?.queries.joins(sale, 0)).toBeNull();
    const outdated = room.sales(() => 0);
    expect((await outdated.find(sale))?.phase).toBe('pre_queue');

    room.office.add({ concertId: sale, opensAt: new Date().toISOString() });
    await until('the order is drawn', async () => (await room.queue(sale))['seed'] !== undefined);
    const published = publishedIn(await room.queue(sale));
    expect(published.commitment).toBe(commitment);
    // A process that read the sale before it was drawn looks again before it denies the list.
    expect((await outdated.find(sale))?.phase).toBe('pre_queue');
    expect((await outdated.findDrawn(sale))?.row.seed).toBe(published.seed);
    const joins = (await room.services[1]?.queries.joins(sale, 0)) ?? [];
    const findings = [...checkSeed(published), ...(await checkJoins(published, joins))];
    expect(findings.filter((one) => !isRight(one))).toEqual([]);

    const told = await Promise.all(crowd.map((fan) => room.join(sale, fan)));
    const computed = crowd.map((_, arrival) => numberOf({ ...published, arrival }));
    expect(told.map((place) => place.status !== 'pre_queue' && place.number)).toEqual(computed);
    expect(computed.toSorted((a, b) => a - b)).toEqual(crowd.map((_, index) => index + 1));
    expect(await room.join(sale, fans(1)[0] ?? '')).toMatchObject({ status: 'waiting', number: 41 });
    // The place in the list is the token's, and the token is the same before and after.
    expect(told.map(({ queueToken }) => queueToken)).toEqual(places.map(({ queueToken }) => queueToken));
  });
});

describe('being inside', () => {
  test('however many ask at however many processes, no more are in than there are slots', async () => {
    const sale = await room.sale({ inside: 7 });
    const crowd = fans(120);
    await Promise.all(crowd.map((fan) => room.join(sale, fan)));
    // The turn of all of them has come: only the slots hold them back.
    await room.place.database.query('update sale set serving = joined where concert_id = $1', [sale]);
    const answers = await Promise.all(
      [...crowd, ...crowd].map((fan, index) => room.ask(sale, fan, index % 2)),
    );
    const inside = new Set(
      crowd.filter((_, at) => [answers[at], answers[at + 120]].some((one) => one && isIn(one))),
    );
    expect(inside.size).toBe(7);
    expect(await room.inside(sale)).toBe(7);
    const perFan = Map.groupBy(
      await room.place.database.query<{ fan: string }>(
        'select fan from slot where sale = $1 and fan is not null',
        [(await room.saleRow(sale)).id],
      ),
      ({ fan }) => fan,
    );
    expect(perFan.size).toBe(7);
  });

  test('leaving, paying and running out of time each free a slot once, and holding keeps it', async () => {
    const sale = await room.sale({ inside: 4 });
    const [leaver = '', payer = '', sleeper = '', holder = '', ...next] = fans(8);
    for (const fan of [leaver, payer, sleeper, holder]) {
      await room.join(sale, fan);
      await until('the fan is in', async () => isIn(await room.ask(sale, fan)));
    }
    await room.services[1]?.queries.leave(sale, leaver);
    room.office.says(payer, 'over');
    room.office.says(holder, 'holding');
    await room.place.database.query('update slot set ends_at = now() where fan = any ($1)', [
      [sleeper, holder],
    ]);
    await until('three slots are free', async () => (await room.inside(sale)) === 1);
    const { id } = await room.saleRow(sale);
    expect(
      await room.place.database.query('select fan from slot where sale = $1 and fan is not null', [id]),
    ).toEqual([{ fan: holder }]);
    for (const fan of next) await room.join(sale, fan);
    await until('three more are in', async () => {
      await Promise.all(next.map((fan) => room.ask(sale, fan)));
      return (await room.inside(sale)) === 4;
    });
  });

  test('what was freed late and again frees nobody else', async () => {
    const sale = await room.sale({ inside: 1 });
    const [first = '', second = ''] = fans(2);
    await until('the first is in', async () => isIn(await room.ask(sale, first)));
    const { id } = await room.saleRow(sale);
    const free = (fan: string, generation: number) =>
      room.place.database.query('select free_slots($1) as freed', [
        JSON.stringify([{ sale: id, fan, generation }]),
      ]);
    expect(await free(first, 99)).toEqual([{ freed: 0 }]);
    const [slot] = await room.place.database.query<{ generation: number }>(
      'select generation from slot where sale = $1',
      [id],
    );
    expect(await free(first, slot?.generation ?? 0)).toEqual([{ freed: 1 }]);
    await until('the second is in', async () => isIn(await room.ask(sale, second)));
    expect(await free(first, slot?.generation ?? 0)).toEqual([{ freed: 0 }]);
    expect(await room.inside(sale)).toBe(1);
  });

  test('who slept through the turn goes in at the next free slot, before everybody who was not called yet', async () => {
    const sale = await room.sale({ inside: 1 });
    const [sleeper = '', awake = '', later = ''] = fans(3);
    for (const fan of [sleeper, awake, later]) await room.join(sale, fan);
    await until('the sleeper was called', async () => (await serving(sale)) >= 1);
    // A call that nobody has followed for half a minute is not counted on any more.
    await room.place.database.query(`update call set at = at - interval '30 seconds' where sale = $1`, [
      (await room.saleRow(sale)).id,
    ]);
    await until('somebody else was called meanwhile', async () => (await serving(sale)) >= 2);
    await until('who is awake is in', async () => isIn(await room.ask(sale, awake)));
    expect(await room.ask(sale, sleeper)).toMatchObject({ code: 'not_your_turn', ahead: 0 });
    await room.place.database.query('update sale set serving = joined where concert_id = $1', [sale]);
    // Later, and asks first; but the sleeper stands at the door.
    await room.services[0]?.queries.leave(sale, awake);
    await until('the slot is free', async () => (await room.inside(sale)) === 0);
    await room.stillAtDoor(sale);
    expect(await room.ask(sale, later)).toMatchObject({ code: 'not_your_turn' });
    expect(isIn(await room.ask(sale, sleeper))).toBe(true);
  });

  test('a token is handed out only when the seats know of it', async () => {
    const sale = await room.sale({ inside: 2 });
    const [fan = ''] = fans(1);
    await room.join(sale, fan);
    await until('the fan was called', async () => (await serving(sale)) >= 1);
    room.office.isAway = true;
    expect(await room.ask(sale, fan)).toEqual({ code: 'overloaded' });
    room.office.isAway = false;
    expect(isIn(await room.ask(sale, fan))).toBe(true);
    const recorded = room.office.recorded.filter(({ userId }) => userId === fan);
    // The second is of the same visit: the first may have been recorded and its answer lost.
    expect(recorded).toMatchObject([{ generation: 2, since: 1 }]);
    expect(await room.inside(sale)).toBe(1);
  });
});

describe('moving on', () => {
  test('an owner that slept past its lease moves nothing: its fence is refused', async () => {
    const own = await Room.open(0);
    const [one, two] = [own.owner('one'), own.owner('two')];
    const sale = 'paused-owner';
    own.office.add({ concertId: sale, inside: 3 });
    const first = await one.lease.take();
    await one.look(first ?? 0);
    const { id } = await own.saleRow(sale);
    // Nobody else: a running service would want the lease too.
    await new LineStore(own.place.database).join(fans(5).map((fan) => ({ sale: id, fan })));
    // Its time is over while it is paused between reading and writing.
    await own.place.database.query(`update lease set until = now() - interval '1 second'`);
    const second = await two.lease.take();
    expect(second).toBeGreaterThan(first ?? 0);
    await two.look(second ?? 0);
    expect((await own.saleRow(sale)).serving).toBe(3);
    await expect(one.look(first ?? 0)).rejects.toMatchObject({ code: 'TU001' });
    const store = own.place.database;
    await expect(store.query('select move_line($1, $2, 3, 5)', [first, id])).rejects.toMatchObject({
      code: 'TU001',
    });
    // The true owner, too, moves only from where it stands.
    expect(await store.query('select move_line($1, $2, 2, 5) as moved', [second, id])).toEqual([
      { moved: false },
    ]);
    expect((await own.saleRow(sale)).serving).toBe(3);
    await one.stop();
    await two.stop();
    await own.close();
  });

  test('a paused sale lets nobody in and forgets nothing; resumed, it goes on', async () => {
    const sale = await room.sale({ inside: 2 });
    const [first = '', second = ''] = fans(2);
    await until('the first is in', async () => isIn(await room.ask(sale, first)));
    room.office.add({ concertId: sale, state: 'paused' });
    await until('it is told', async () => (await room.queue(sale))['phase'] === 'paused');
    expect(await room.ask(sale, second)).toEqual({ code: 'sale_paused' });
    expect(await serving(sale)).toBe(1);
    room.office.add({ concertId: sale, state: 'open' });
    await until('the second is in', async () => isIn(await room.ask(sale, second)));
  });

  test('while the questions of a crowd wait for their rows the lines are moved and told, and a pause is answered at once', async () => {
    const sale = await room.sale({ inside: 2 });
    const [fan = ''] = fans(1);
    const { queueToken } = await room.join(sale, fan);
    const admit = async (process: number) => room.services[process]?.queries.admit(sale, fan, queueToken);
    const { database } = room.place;
    const held = gate();
    const holding = database.transaction(async (tx) => {
      await tx.query('lock table place in access exclusive mode');
      await held.pass();
    });
    await held.reached;
    let over = 0;
    const crowd = Array.from({ length: 20 }, (_, index) => admit(index % 2).finally(() => over++));
    const settled = Promise.allSettled(crowd);
    try {
      await until('both processes have all their connections for fans at it', async () => {
        const waiting = await database.query(
          `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        );
        return waiting.length >= 8;
      });
      room.office.add({ concertId: sale, state: 'paused' });
      for (const { queries } of room.services)
        await until('it is told', async () => (await queries.queue(sale))?.includes('"paused"') === true);
      for (const process of [0, 1]) expect(await admit(process)).toEqual({ code: 'sale_paused' });
      expect(over).toBe(0);
    } finally {
      held.open();
      await holding;
    }
    expect((await settled).filter(({ status }) => status === 'rejected')).toEqual([]);
  });

  test('while the room inside fills, those who will find it full are told how it goes then', async () => {
    const sale = await room.sale({ inside: 20, pace: 0.2 });
    const crowd = fans(100);
    await Promise.all(crowd.map((fan) => room.join(sale, fan)));
    await until('it is told', async () => (await room.queue(sale))['later'] !== undefined);
    expect((await room.queue(sale))['later']).toEqual({
      from: expect.toSatisfy((from: number) => from > 0 && from < 100),
      pacePerSecond: expect.toSatisfy((pace: number) => pace > 0 && pace < 0.2),
    });
    // A hundred seconds for those who find room, then as visits end; at the pace of now it would be 670 at most.
    expect((await room.join(sale, crowd.at(-1) ?? '')).estimatedWaitSeconds.high).toBeGreaterThan(800);
  });

  test('nobody is called while every seat is held or paid; when a hold runs out the line goes on', async () => {
    const sale = await room.sale({ inside: 5, capacity: 4, held: 1, paid: 3 });
    const [fan = ''] = fans(1);
    await room.join(sale, fan);
    const { id } = await room.saleRow(sale);
    const [lease] = await room.place.database.query<{ fence: number }>('select fence from lease');
    expect(
      await room.place.database.query('select move_line($1, $2, 0, 1) as moved', [lease?.fence, id]),
    ).toEqual([{ moved: false }]);
    expect((await room.queue(sale))['phase']).toBe('open');
    room.office.add({ concertId: sale, held: 0 });
    await until('the fan is in', async () => isIn(await room.ask(sale, fan)));
  });

  test('sold out is said to everybody, also to those in line, and taken back when a seat comes back', async () => {
    const sale = await room.sale({ inside: 1, capacity: 4 });
    const [fan = '', other = ''] = fans(2);
    const { queueToken } = await room.join(sale, fan);
    room.office.add({ concertId: sale, paid: 4 });
    await until('it is told', async () => (await room.queue(sale))['phase'] === 'sold_out');
    const [service] = room.services;
    expect(await service?.queries.join(sale, other)).toBe('sold_out');
    expect(await service?.queries.admit(sale, fan, queueToken)).toEqual({ code: 'sold_out' });
    room.office.add({ concertId: sale, paid: 3 });
    await until('it is open again', async () => (await room.queue(sale))['phase'] === 'open');
    await until('the fan is in', async () => isIn(await room.ask(sale, fan)));
  });
});

function publishedIn(document: Record<string, unknown>): PublishedShuffle {
  const text = (name: string): string => String(document[name]);
  return {
    commitment: text('commitment'),
    secret: text('secret'),
    joinRoot: text('joinRoot'),
    seed: text('seed'),
    preQueueSize: Number(document['preQueueSize']),
  };
}
