import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../testing/index.ts';
import { commandQueue, startQueue } from './index.ts';
import { jump, ok, refused, trip } from './cast.fixture.ts';
import { losingFirst, quiet, Stage } from './stage.fixture.ts';

// Protocol rules 3, 4, 6 and 7: how a saga begins and how it is answered.
let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterEach(() => stage.clear());
afterAll(() => stage.close());

const everything = ['do a.look', 'do b.first', 'do c.second', 'do d.pivot', 'do e.left', 'do f.right'];

describe('a saga is stored before it acts (rule 3)', () => {
  test('no command with an effect leaves before the row is in, even when the read has been answered', async () => {
    stage.obeys('do a.look');
    const driver = await stage.driver();
    const release = await stage.holdRows();
    const { id } = driver.start('trip');
    await driver.waits();
    await driver.ask('do a.look', id);
    await quiet();
    expect(driver.asks(id)).toEqual(['do a.look']);
    expect(await stage.row(id)).toBeUndefined();
    await release();
    await driver.ask('do b.first', id);
    expect(await stage.row(id)).toMatchObject({ status: 'running', owner: driver.owner, epoch: 1 });
  });

  test('a saga that begins with an effect sends nothing at all until its row is in', async () => {
    const driver = await stage.driver();
    const release = await stage.holdRows();
    const { id } = driver.start('jump');
    await driver.waits();
    await quiet();
    expect(driver.asks(id)).toEqual([]);
    await release();
    await driver.ask('do d.pivot', id);
  });

  test('whoever asks to know is told stored once it is, and so is a repetition', async () => {
    const driver = await stage.driver();
    const release = await stage.holdRows();
    const start = driver.start('trip', { tellStored: true });
    await driver.waits();
    driver.start('trip', start);
    await quiet();
    expect(driver.told).toEqual([]);
    await release();
    await until('it is told twice', () => driver.told.length === 2);
    const stored = { id: start.id, operation: start.id, kind: 'stored' };
    expect(driver.told).toEqual([stored, stored]);
    expect(driver.asks(start.id)).toEqual(['do a.look']);
  });

  test('a repetition is told stored even by another driver', async () => {
    const [one, two] = [await stage.driver(), await stage.driver()];
    const start = one.start('trip');
    await stage.status(start.id, 'running');
    two.start('trip', start);
    await until('it is told', () => two.told.length > 0);
    expect(two.toldOf(start.id)).toEqual(['stored']);
    expect(two.runner.liveCount).toBe(0);
  });

  test('a start that comes too late is dropped', async () => {
    const driver = await stage.driver();
    const late = driver.start('trip', { notAfter: driver.now - 1, tellStored: true });
    const punctual = driver.start('trip', { notAfter: driver.now });
    await stage.status(punctual.id, 'running');
    expect(await stage.row(late.id)).toBeUndefined();
    expect(driver.asks(late.id)).toEqual([]);
    expect(driver.toldOf(late.id)).toEqual([]);
  });

  test('a start of a gateway whose clock is an hour behind, or ahead, is as good as any', async () => {
    const driver = await stage.driver();
    for (const [replyTo, off] of [
      ['behind', -3_600_000],
      ['ahead', 3_600_000],
    ] as const) {
      const sentAt = driver.now + off;
      const { id } = driver.start('trip', { replyTo, sentAt, notAfter: sentAt + 60_000 });
      await stage.status(id, 'running');
    }
  });

  test('a start that nobody could make sense of is set aside, and those beside it begin', async () => {
    const driver = await stage.driver();
    const input: object = JSON.parse('null');
    const [good, poison] = [driver.start('trip'), driver.start('trip', { input })];
    const alsoGood = driver.start('trip');
    await stage.status(good.id, 'running');
    await stage.status(alsoGood.id, 'running');
    await until('it is set aside', async () => (await driver.bus.deadLetters()).length > 0);
    const letters = await driver.bus.deadLetters();
    expect(letters.map(({ message }) => message)).toEqual([poison]);
    expect(driver.runner.liveCount).toBe(2);
  });

  test('what is no start is set aside at once', async () => {
    const driver = await stage.driver();
    await driver.bus.publish<unknown>(startQueue, ['a text', null, { name: 'trip' }]);
    await until('it is set aside', async () => (await driver.bus.deadLetters()).length === 3);
    const start = driver.start('trip', { key: 'a NUL \0' });
    await until('it is set aside', async () => (await driver.bus.deadLetters()).length === 4);
    expect((await driver.bus.deadLetters()).at(-1)?.message).toEqual(start);
    expect(driver.runner.liveCount).toBe(0);
  });

  test('a start whose insert is lost begins again and is stored once', async () => {
    stage.obeys('do a.look');
    const driver = await stage.driver();
    const release = await stage.holdRows();
    const { id } = driver.start('trip', { tellStored: true });
    await driver.waits();
    await driver.disconnect();
    await release();
    await driver.ask('do b.first', id);
    await until('it is told', () => driver.told.length > 0);
    expect(driver.asks(id).filter((one) => one === 'do b.first')).toHaveLength(1);
    expect(driver.toldOf(id)).toEqual(['stored']);
  });

  test('a start whose insert committed without the driver hearing of it is driven all the same', async () => {
    stage.obeys(...everything);
    const driver = await stage.driver({ through: losingFirst('start_sagas') });
    const start = driver.start('trip');
    await until('it is told', () => driver.told.length > 0);
    await driver.passLease();
    await stage.status(start.id, 'succeeded');
    driver.start('trip', start);
    expect((await driver.answer(start.id)).status).toBe(201);
  });

  test('a start that cannot be stored harms no other', async () => {
    stage.obeys(...everything);
    const driver = await stage.driver();
    driver.start('trip', { key: 'no text has half of a \ud800' });
    const { id } = driver.start('trip');
    await driver.answer(id);
    await until('the one is set aside', async () => (await driver.bus.deadLetters()).length === 1);
    await until('the other is through', () => driver.runner.liveCount === 0);
  });

  test('a start of a saga that this build does not know harms no other, and waits for a build that does', async () => {
    stage.obeys(...everything);
    const older = await stage.driver({ definitions: [trip] });
    const [before, unknown, after] = [older.start('trip'), older.start('jump'), older.start('trip')];
    expect((await older.answer(before.id)).status).toBe(201);
    expect((await older.answer(after.id)).status).toBe(201);
    await older.runner.stop(0);
    expect(older.toldOf(unknown.id)).toEqual([]);
    expect(await older.bus.deadLetters()).toEqual([]);
    await stage.driver({ on: older, definitions: [trip, jump] });
    expect((await older.answer(unknown.id)).status).toBe(201);
  });
});

describe('a key stands for one saga (rule 4)', () => {
  test('the same key for something else is told so, whether the saga runs here, elsewhere or has ended', async () => {
    const [one, two] = [await stage.driver(), await stage.driver()];
    const key = randomUUID();
    const first = one.start('jump', { key });
    await stage.status(first.id, 'running');
    const other = { key, fingerprint: 'other' };
    const [here, elsewhere] = [one.start('jump', other), two.start('jump', other)];
    await until('both are told', () => one.told.length + two.told.length === 2);
    stage.obeys('do d.pivot');
    await one.pass(2_000);
    await one.answer(first.id);
    await stage.status(first.id, 'succeeded');
    const ended = two.start('jump', other);
    await until('it is told', () => two.told.length === 2);
    expect([one.toldOf(here.id), two.toldOf(elsewhere.id), two.toldOf(ended.id)]).toEqual([
      ['key_reused'],
      ['key_reused'],
      ['key_reused'],
    ]);
    expect(two.asked).toEqual([]);
  });

  test('the same request again is told that it is in flight, and of which saga', async () => {
    const [one, two] = [await stage.driver(), await stage.driver()];
    const key = randomUUID();
    const first = one.start('jump', { key });
    await stage.status(first.id, 'running');
    const [here, elsewhere] = [one.start('jump', { key }), two.start('jump', { key })];
    await until('both are told', () => one.told.length + two.told.length === 2);
    expect(one.told).toEqual([{ id: here.id, operation: first.id, kind: 'in_flight' }]);
    expect(two.told).toEqual([{ id: elsewhere.id, operation: first.id, kind: 'in_flight' }]);
  });

  test('the same key of another fan, or for another route, is another saga', async () => {
    const driver = await stage.driver();
    const key = randomUUID();
    const scopes = [{ fan: 'Mina' }, { fan: 'Jun' }, { route: 'POST /jumps' }];
    for (const { id } of scopes.map((scope) => driver.start('jump', { key, ...scope })))
      await driver.ask('do d.pivot', id);
    expect(driver.told).toEqual([]);
    expect(await stage.database.query('select count(*)::int as count from saga')).toEqual([{ count: 3 }]);
  });

  test('of two drivers that store one key at once, only the one whose insert it was drives', async () => {
    const [one, two] = [await stage.driver(), await stage.driver()];
    const release = await stage.holdRows();
    const key = randomUUID();
    const starts = [one.start('jump', { key }), two.start('jump', { key })];
    await Promise.all([one.waits(), two.waits()]);
    await release();
    await until('the loser is told', () => one.told.length + two.told.length === 1);
    await until('the winner asks', () => one.asked.length + two.asked.length > 0);
    await quiet();
    const [winner, loser] = one.asked.length > 0 ? [one, two] : [two, one];
    expect(loser.asked).toEqual([]);
    expect(loser.runner.liveCount).toBe(0);
    expect(loser.told).toMatchObject([{ kind: 'in_flight', operation: winner.asked[0]?.saga }]);
    expect(starts.map(({ id }) => id)).toContain(winner.asked[0]?.saga);
    expect(await stage.database.query('select count(*)::int as count from saga')).toEqual([{ count: 1 }]);
  });
});

describe('only starts are bounded (rule 6)', () => {
  test('above the limit a start is refused and leaves no trace, while all that is live goes on, forward and back', async () => {
    stage.obeys('do a.look', 'do b.first', 'do c.second', 'do e.left', 'do f.right');
    stage.obeys('undo c.undo-second', 'undo b.undo-first');
    const driver = await stage.driver({ liveMax: 2 });
    const [onward, back] = [driver.start('trip'), driver.start('trip')];
    const [pays, fails] = [
      await driver.ask('do d.pivot', onward.id),
      await driver.ask('do d.pivot', back.id),
    ];
    const tooMany = driver.start('trip');
    await until('it is told', () => driver.told.length === 1);
    expect(driver.told).toEqual([{ id: tooMany.id, operation: tooMany.id, kind: 'overloaded' }]);
    expect(await stage.row(tooMany.id)).toBeUndefined();
    expect(driver.asks(tooMany.id)).toEqual([]);
    await driver.reply(pays, ok({ paid: 1 }));
    await driver.reply(fails, refused('too_few'));
    expect((await driver.answer(onward.id)).status).toBe(201);
    expect((await driver.answer(back.id)).status).toBe(409);
    await until('there is room', () => driver.runner.liveCount === 0);
    driver.start('trip', tooMany);
    await driver.ask('do d.pivot', tooMany.id);
  });

  test('the repetition of a start that is live needs no room', async () => {
    const driver = await stage.driver({ liveMax: 1 });
    const start = driver.start('trip', { tellStored: true });
    await until('it is told', () => driver.told.length === 1);
    driver.start('trip', start);
    await until('it is told again', () => driver.told.length === 2);
    expect(driver.toldOf(start.id)).toEqual(['stored', 'stored']);
  });

  test('a queue without room holds up nobody else, and what it refused is asked again', async () => {
    stage.obeys(...everything);
    const driver = await stage.driver();
    driver.full.add(commandQueue('d').name);
    const stuck = driver.start('trip');
    await driver.ask('do c.second', stuck.id);
    await quiet();
    stage.answers('do c.second', refused('full'));
    stage.obeys('undo b.undo-first');
    const other = driver.start('trip');
    expect((await driver.answer(other.id)).status).toBe(409);
    driver.full.clear();
    await driver.pass(2_000);
    expect((await driver.answer(stuck.id)).status).toBe(201);
  });
});
