import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../testing/index.ts';
import { ok, refused } from './cast.fixture.ts';
import { quiet, Stage } from './stage.fixture.ts';

// Protocol rules 1, 2 and 5: what a driver makes of replies, of their absence, and when undos may leave.
let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterEach(() => stage.clear());
afterAll(() => stage.close());

const before = ['do a.look', 'do b.first', 'do c.second'];
const after = ['do e.left', 'do f.right'];
const undos = ['undo c.undo-second', 'undo b.undo-first'];
const deadlineMs = 10_000;

describe('the journal row of the pivot decides (rule 1)', () => {
  test('the pivot is done, its reply is lost, the deadline passes: the saga goes forward', async () => {
    stage.obeys(...before, 'settle d.pivot', ...after, ...undos);
    stage.losesReplyOf('do d.pivot', ok({ at: 7 }));
    const driver = await stage.driver();
    const { id } = driver.start('trip');
    await driver.ask('do d.pivot', id);
    await driver.pass(deadlineMs);
    expect((await driver.answer(id)).body).toContain('"at":{"at":7}');
    expect(driver.asks(id)).toEqual([...before, 'do d.pivot', 'settle d.pivot', ...after]);
    await stage.status(id, 'succeeded');
  });

  test('the pivot is not done by its deadline: everything is undone, and a late pivot does nothing', async () => {
    stage.obeys(...before, 'settle d.pivot', ...undos);
    const driver = await stage.driver();
    const { id } = driver.start('trip');
    const pivot = await driver.ask('do d.pivot', id);
    await driver.pass(deadlineMs);
    expect((await driver.answer(id)).body).toContain('timed_out');
    expect(driver.asks(id)).toEqual([...before, 'do d.pivot', 'settle d.pivot', ...undos]);
    stage.obeys('do d.pivot');
    await driver.reply(pivot, ok());
    await quiet();
    await stage.status(id, 'failed');
    expect(driver.asks(id)).toHaveLength(7);
  });

  test('no undo leaves while nobody has said what became of the pivot, however long that takes', async () => {
    stage.obeys(...before, ...undos);
    const driver = await stage.driver();
    const { id } = driver.start('trip');
    await driver.ask('do d.pivot', id);
    await driver.pass(deadlineMs);
    for (let minutes = 0; minutes < 10; minutes++) await driver.pass(60_000);
    const asks = driver.asks(id);
    expect(new Set(asks.slice(4))).toEqual(new Set(['settle d.pivot']));
    expect(asks.length).toBeGreaterThan(10);
    expect(await stage.row(id)).toMatchObject({ status: 'running' });
    stage.losesReplyOf('do d.pivot');
    stage.obeys('settle d.pivot');
    await driver.pass(60_000);
    await stage.status(id, 'failed');
  });

  test('a reply to the pivot that comes while it is settled does not turn the saga: the journal does', async () => {
    stage.obeys(...before, ...after);
    const driver = await stage.driver();
    const { id } = driver.start('trip');
    const pivot = await driver.ask('do d.pivot', id);
    await driver.pass(deadlineMs);
    const settling = await driver.ask('settle d.pivot', id);
    await driver.reply(pivot, refused('timed_out'));
    await quiet();
    expect(driver.asks(id)).toEqual([...before, 'do d.pivot', 'settle d.pivot']);
    await driver.reply(settling, ok({ at: 7 }));
    expect((await driver.answer(id)).status).toBe(201);
  });

  test('a driver that takes a saga over and is refused at a read asks the pivot before it believes it', async () => {
    stage.obeys(...before, 'do d.pivot', 'settle b.first', 'settle c.second', 'settle d.pivot');
    const one = await stage.driver();
    const { id } = one.start('trip');
    await one.ask('do e.left', id);
    await one.crash();
    stage.answers('do a.look', refused('gone'));
    stage.obeys(...after);
    const two = await stage.driver({ alone: true });
    await stage.status(id, 'succeeded');
    expect(two.asks(id)).toEqual([
      'do a.look',
      'settle d.pivot',
      'settle b.first',
      'settle c.second',
      ...after,
    ]);
  });
});

describe('a change of direction is committed before the first undo leaves (rule 2)', () => {
  test.each([
    ['the pivot is refused', 'do d.pivot', 'too_few'],
    ['the pivot timed out', 'settle d.pivot', 'timed_out'],
  ])('%s', async (_, what, code) => {
    stage.obeys(...before);
    const driver = await stage.driver();
    const { id } = driver.start('trip');
    await driver.ask('do d.pivot', id);
    if (what === 'settle d.pivot') await driver.pass(deadlineMs);
    const asked = await driver.ask(what, id);
    const release = await stage.holdRows();
    await driver.reply(asked, refused(code));
    await driver.waits();
    // Time passes, too: nothing of what is owed may be asked for before it is written.
    await driver.pass(5_000);
    expect(driver.asks(id).filter((one) => one.startsWith('undo'))).toEqual([]);
    expect(await stage.row(id)).toMatchObject({ status: 'running' });
    await release();
    await driver.ask('undo c.undo-second', id);
    expect(await stage.row(id)).toMatchObject({ status: 'compensating' });
    expect(driver.told).toEqual([]);
  });

  test('undos go one after the other, each when the one behind it is done', async () => {
    stage.obeys(...before);
    stage.answers('do d.pivot', refused('too_few'));
    const driver = await stage.driver();
    const { id } = driver.start('trip');
    const last = await driver.ask('undo c.undo-second', id);
    await driver.pass(60_000);
    expect(new Set(driver.asks(id).slice(4))).toEqual(new Set(['undo c.undo-second']));
    await driver.reply(last, ok());
    await driver.reply(await driver.ask('undo b.undo-first', id), ok());
    expect((await driver.answer(id)).body).toContain('too_few');
  });
});

describe('replies (rule 5)', () => {
  test('to any attempt are accepted: an answer slower than the asking is still an answer', async () => {
    const driver = await stage.driver();
    const { id } = driver.start('trip');
    const first = await driver.ask('do a.look', id);
    await driver.pass(1_100);
    await driver.pass(2_100);
    expect(driver.asks(id)).toEqual(['do a.look', 'do a.look', 'do a.look']);
    await driver.reply(first, ok());
    await driver.ask('do b.first', id);
    // The replies to the other attempts come too, and mean nothing any more.
    await driver.reply(first, ok());
    await driver.reply(first, refused('gone'));
    await quiet();
    expect(driver.asks(id).slice(3)).toEqual(['do b.first']);
  });

  test('to what was not asked are ignored', async () => {
    const driver = await stage.driver();
    const { id } = driver.start('trip');
    const look = await driver.ask('do a.look', id);
    await stage.status(id, 'running');
    for (const stray of [
      { saga: randomUUID(), step: 'look', direction: 'do' },
      { saga: id, step: 'first', direction: 'do' },
      { saga: id, step: 'pivot', direction: 'do' },
      { saga: id, step: 'look', direction: 'undo' },
      { saga: id, step: 'pivot', direction: 'settle' },
      { saga: id, step: 'nothing', direction: 'do' },
    ] as const)
      await driver.send(driver.owner, { ...stray, outcome: ok() });
    await quiet();
    expect(driver.asks(id)).toEqual(['do a.look']);
    await driver.reply(look, ok());
    await driver.ask('do b.first', id);
  });

  test('that come before the row is in are kept until it is', async () => {
    const driver = await stage.driver();
    const release = await stage.holdRows();
    const { id } = driver.start('trip');
    const look = await driver.ask('do a.look', id);
    await driver.reply(look, ok());
    await driver.waits();
    await quiet();
    await release();
    await driver.ask('do b.first', id);
    expect(driver.asks(id)).toEqual(['do a.look', 'do b.first']);
  });

  test('that refuse before the row is in end the saga once it is', async () => {
    const driver = await stage.driver();
    const release = await stage.holdRows();
    const start = driver.start('trip');
    await driver.reply(await driver.ask('do a.look', start.id), refused('gone'));
    await driver.waits();
    await quiet();
    expect(driver.told).toEqual([]);
    await release();
    expect((await driver.answer(start.id)).body).toContain('gone');
    expect(await stage.row(start.id)).toMatchObject({ status: 'failed' });
  });

  test('that do not come are asked for again, later each time, at most twice a minute in the end', async () => {
    stage.obeys(...before, 'do d.pivot', 'do e.left');
    const driver = await stage.driver();
    const { id } = driver.start('trip');
    await driver.ask('do f.right', id);
    const asked = () => driver.asks(id).filter((one) => one === 'do f.right').length;
    const askedAt: number[] = [0];
    for (let seconds = 1; seconds <= 180; seconds++) {
      await driver.pass(1_000);
      if (asked() > askedAt.length) askedAt.push(seconds);
    }
    expect(askedAt.slice(0, 6)).toEqual([0, 1, 3, 7, 15, 31]);
    expect(asked()).toBe(askedAt.length);
    const pauses = askedAt.slice(6).map((at, index) => at - (askedAt[index + 5] ?? 0));
    expect(pauses.length).toBeGreaterThan(3);
    expect(pauses.every((seconds) => seconds === 30)).toBe(true);
    await until('it is still there', () => driver.runner.liveCount === 1);
  });
});
