import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { until } from '../testing/index.ts';
import { ok, refused } from './cast.fixture.ts';
import { quiet, Stage } from './stage.fixture.ts';

// Protocol rule 7: what a fan is told are bytes, the same whoever tells them and whenever.
let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterEach(() => stage.clear());
afterAll(() => stage.close());

const before = ['do a.look', 'do b.first', 'do c.second'];
const undos = ['undo c.undo-second', 'undo b.undo-first'];
// Keys that anything which sorts them would sort otherwise.
const tooFew = refused('too_few', { zone: 'Ü', missing: 3, a: [1.5, 'é'] });

test('the bytes that are stored are the bytes that were sent, and a repeated key gets them too', async () => {
  stage.obeys(...before, 'do e.left', 'do f.right', ...undos);
  const driver = await stage.driver();
  for (const [outcome, status, code] of [
    [ok({ zone: 'Ü', at: 3, a: null }), 'succeeded', 201],
    [tooFew, 'failed', 409],
  ] as const) {
    stage.answers('do d.pivot', outcome);
    const first = driver.start('trip');
    const sent = await driver.answer(first.id);
    expect(sent).toMatchObject({ status: code, replayed: false });
    await stage.status(first.id, status);
    expect(await stage.row(first.id)).toMatchObject({ answerStatus: code, answer: sent.body });
    await until('it is forgotten', () => driver.runner.liveCount === 0);
    const again = driver.start('trip', { key: first.key });
    expect(await driver.answer(again.id)).toEqual({ ...sent, replayed: true });
  }
});

test('after a restart a repeated key gets the same bytes, and nothing is done again', async () => {
  stage.obeys(...before, 'do d.pivot', 'do e.left', 'do f.right');
  const driver = await stage.driver();
  const first = driver.start('trip');
  const sent = await driver.answer(first.id);
  await stage.status(first.id, 'succeeded');
  await driver.crash();
  const restarted = await stage.driver({ alone: true });
  const again = restarted.start('trip', { key: first.key, traceId: randomUUID() });
  expect(await restarted.answer(again.id)).toEqual({ ...sent, replayed: true });
  expect(restarted.asks(first.id)).toEqual([]);
  expect(restarted.asks(again.id)).toEqual(['do a.look']);
});

test('when rows are written more slowly than sagas end, those who ask wait for their row', async () => {
  stage.obeys(...before, 'do d.pivot', 'do e.left');
  const driver = await stage.driver({ unwrittenMax: 0 });
  const start = driver.start('trip');
  const last = await driver.ask('do f.right', start.id);
  const release = await stage.holdRows();
  await driver.reply(last, ok());
  await quiet();
  expect(driver.toldOf(start.id)).toEqual([]);
  await release();
  expect((await driver.answer(start.id)).status).toBe(201);
});

test('what every driver would answer is told before the row is written, and told again meanwhile', async () => {
  stage.obeys(...before, 'do d.pivot', 'do e.left');
  const driver = await stage.driver();
  const start = driver.start('trip');
  const last = await driver.ask('do f.right', start.id);
  const release = await stage.holdRows();
  await driver.reply(last, ok());
  const sent = await driver.answer(start.id);
  await driver.waits();
  expect(await stage.row(start.id)).toMatchObject({ status: 'running', answer: null });
  const again = driver.start('trip', { key: start.key });
  expect(await driver.answer(again.id)).toEqual({ ...sent, replayed: true });
  await release();
  await stage.status(start.id, 'succeeded');
  expect(await stage.row(start.id)).toMatchObject({ answerStatus: 201, answer: sent.body });
});

test.each([
  ['a refused read', 'do a.look'],
  ['a refused step before the pivot', 'do b.first'],
])('%s is told only after the row says so', async (_, what) => {
  stage.obeys(...before.slice(0, before.indexOf(what)));
  const driver = await stage.driver();
  const start = driver.start('trip');
  const asked = await driver.ask(what, start.id);
  await stage.status(start.id, 'running');
  const release = await stage.holdRows();
  await driver.reply(asked, refused('gone', { zone: 'Z', a: 1 }));
  await driver.waits();
  await quiet();
  expect(driver.told).toEqual([]);
  await release();
  const sent = await driver.answer(start.id);
  expect(sent.body).toBe(`{"why":"gone","traceId":"${start.traceId}","zone":"Z","a":1}`);
  expect(await stage.row(start.id)).toMatchObject({ status: 'failed', answer: sent.body });
});

test('whoever ends a saga that had turned gives the same bytes', async () => {
  stage.obeys(...before);
  stage.answers('do d.pivot', tooFew);
  const driver = await stage.driver();
  const start = driver.start('trip');
  await driver.ask('undo c.undo-second', start.id);
  await driver.crash();
  stage.obeys(...undos);
  await stage.driver({ alone: true });
  await stage.status(start.id, 'failed');
  expect((await stage.row(start.id))?.answer).toBe(
    `{"why":"too_few","traceId":"${start.traceId}","zone":"Ü","missing":3,"a":[1.5,"é"]}`,
  );
});

test('whoever ends a saga gives the same bytes of what was asked for', async () => {
  stage.obeys(...before);
  const driver = await stage.driver();
  const start = driver.start('trip', { input: { who: { zone: 'Z', name: 'Mina', a: 1 } } });
  await driver.ask('do d.pivot', start.id);
  await driver.crash();
  stage.obeys('do d.pivot', 'do e.left', 'do f.right');
  await stage.driver({ alone: true });
  await stage.status(start.id, 'succeeded');
  expect((await stage.row(start.id))?.answer).toContain('"done":{"zone":"Z","name":"Mina","a":1}');
});
