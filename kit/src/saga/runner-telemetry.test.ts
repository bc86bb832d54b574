import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createLog } from '../service/index.ts';
import { startTelemetry, traceparent } from '../telemetry/index.ts';
import { readMetrics, TraceCollector, until, type CollectedSpan } from '../testing/index.ts';
import { named, refused } from './cast.fixture.ts';
import type { CommandMessage } from './index.ts';
import { quiet, Stage } from './stage.fixture.ts';

// What a driver tells of its sagas: figures, spans, and the line of an alarm.
let stage: Stage;
let collector: TraceCollector;
beforeAll(async () => {
  stage = await Stage.open();
  collector = await TraceCollector.open();
});
afterEach(() => stage.clear());
afterAll(async () => {
  await stage.close();
  collector.close();
});

const before = ['do a.look', 'do b.first', 'do c.second'];
const after = ['do e.left', 'do f.right'];
const undos = ['undo c.undo-second', 'undo b.undo-first'];
const spanId = 'b7ad6b7169203331';

function telling(sampleRatio?: number) {
  const log = createLog('silent');
  const telemetry = startTelemetry({
    service: 'driver',
    log,
    ...(sampleRatio !== undefined && { config: { endpoint: new URL(collector.address), sampleRatio } }),
  });
  const page = async () => readMetrics((await telemetry.metrics()).body);
  return { telemetry: telemetry.of('driver'), page, stop: () => telemetry.stop() };
}

const newTrace = () => randomBytes(16).toString('hex');
const spansOf = (traceId: string): CollectedSpan[] =>
  collector.spans.filter((one) => one.traceId === traceId);

test('the figures of a saga that goes forward, and of one that is undone', async () => {
  stage.obeys(...before, 'do d.pivot', ...after, ...undos);
  const { telemetry, page } = telling();
  const driver = await stage.driver({ telemetry });
  const done = driver.start('trip');
  await driver.answer(done.id);
  stage.answers('do d.pivot', refused('too_few'));
  const undone = driver.start('trip');
  await driver.answer(undone.id);
  await until('both rows are written', () => driver.runner.liveCount === 0);
  const { value, series } = await page();
  expect(value('tutti_sagas_ended_total{saga="trip",outcome="succeeded",code=""}')).toBe(1);
  expect(value('tutti_sagas_ended_total{saga="trip",outcome="failed",code="too_few"}')).toBe(1);
  expect(value('tutti_saga_duration_seconds_count{saga="trip"}')).toBe(2);
  expect(series.filter((one) => /^tutti_sagas_(live|late)/.test(one))).toEqual([]);
});

test('what is under way is told by phase, with its age, and as late when its deadline is long past', async () => {
  stage.obeys(...before);
  const { telemetry, page } = telling();
  const driver = await stage.driver({ telemetry });
  const { id } = driver.start('trip');
  await driver.ask('do d.pivot', id);
  expect((await page()).value('tutti_sagas_live{saga="trip",state="forward"}')).toBe(1);
  expect((await page()).value('tutti_sagas_late{saga="trip"}')).toBe(0);
  await driver.pass(10_001);
  await driver.pass(10_001);
  const { value } = await page();
  expect(value('tutti_sagas_live{saga="trip",state="settling"}')).toBe(1);
  expect(value('tutti_sagas_late{saga="trip"}')).toBe(1);
  expect(value('tutti_saga_oldest_seconds{saga="trip"}')).toBeGreaterThan(20);
});

test('a write that is refused because another driver has the saga is counted', async () => {
  const { telemetry, page } = telling();
  const one = await stage.driver({ telemetry });
  stage.obeys('do a.look', 'do b.first');
  const [first, another] = [one.start('trip'), one.start('trip')];
  const second = await one.ask('do c.second', first.id);
  const other = await one.ask('do c.second', another.id);
  await stage.endLease(one);
  const two = await stage.driver();
  await two.ask('do c.second', another.id);
  expect((await page()).value('tutti_saga_stale_writes_total{saga="trip"}')).toBe(0);
  await one.reply(second, refused('full'));
  await one.reply(other, refused('full'));
  await until('it drops both', () => one.runner.liveCount === 0);
  expect((await page()).value('tutti_saga_stale_writes_total{saga="trip"}')).toBe(2);
});

test('a step that does not answer is counted each time it is asked again, and told of once', async () => {
  stage.obeys(...before);
  const lines: string[] = [];
  const log = createLog('info', { write: (line) => lines.push(line) });
  const { telemetry, page } = telling();
  const driver = await stage.driver({ telemetry, log });
  const { id, traceId } = driver.start('trip');
  await driver.ask('do d.pivot', id);
  await driver.pass(10_000);
  for (const ms of [1_001, 2_001, 4_001, 8_001]) {
    expect((await page()).value('tutti_saga_steps_unanswered{saga="trip",step="pivot"}')).toBe(0);
    await driver.pass(ms);
  }
  await driver.pass(1);
  await driver.pass(1);
  const { value } = await page();
  const settle = 'saga="trip",step="pivot",direction="settle"';
  expect(value('tutti_saga_steps_unanswered{saga="trip",step="pivot"}')).toBe(1);
  expect(value(`tutti_saga_steps_repeated_total{${settle}}`)).toBe(4);
  expect(value(`tutti_saga_alarms_total{${settle}}`)).toBe(1);
  const alarms = lines.map((line): unknown => JSON.parse(line));
  expect(alarms).toMatchObject([
    { msg: 'a step does not answer', saga: id, traceId, name: 'trip', step: 'pivot', attempts: 5 },
  ]);
});

test('a start that finds no room is counted', async () => {
  const { telemetry, page } = telling();
  const driver = await stage.driver({ telemetry, liveMax: 0 });
  const { id } = driver.start('trip');
  await until('it is refused', () => driver.toldOf(id).includes('overloaded'));
  expect((await page()).value('tutti_sagas_refused_total{saga="trip"}')).toBe(1);
});

test('where nothing is traced no message has a context', async () => {
  stage.obeys(...before, 'do d.pivot', ...after);
  const { telemetry } = telling();
  const driver = await stage.driver({ telemetry });
  const { id } = driver.start('trip');
  await driver.answer(id);
  expect([...driver.asked, ...driver.told].filter((one) => 'traceparent' in one)).toEqual([]);
});

test('a trace that is not sampled goes on in every message, and has no span', async () => {
  stage.obeys(...before, 'do d.pivot', ...after);
  const { telemetry, stop } = telling(1);
  const driver = await stage.driver({ telemetry });
  const traceId = newTrace();
  const context = traceparent({ traceId, spanId, sampled: false });
  const { id } = driver.start('trip', { traceId, traceparent: context });
  await driver.answer(id);
  await stop();
  expect(new Set([...driver.asked, ...driver.told].map((one) => one.traceparent))).toEqual(
    new Set([context]),
  );
  expect(spansOf(traceId)).toEqual([]);
});

test('a sampled saga has a span below its request, and one for each step below that', async () => {
  stage.obeys(...before, 'do d.pivot', ...after);
  const { telemetry, stop } = telling(0);
  const driver = await stage.driver({ telemetry });
  const traceId = newTrace();
  const context = traceparent({ traceId, spanId, sampled: true });
  const { id } = driver.start('trip', { traceId, traceparent: context });
  await driver.answer(id);
  await until('its row is written', () => driver.runner.liveCount === 0);
  await stop();
  const spans = spansOf(traceId);
  const saga = spans.find((one) => one.name === 'saga trip');
  expect(saga).toMatchObject({
    parentSpanId: spanId,
    attributes: { 'saga.id': id, 'saga.outcome': 'succeeded' },
    fault: '',
  });
  const steps = spans.filter((one) => one !== saga);
  expect(steps.map((one) => one.name).toSorted()).toEqual([...before, 'do d.pivot', ...after].toSorted());
  for (const step of steps)
    expect(step).toMatchObject({ parentSpanId: saga?.spanId, kind: 3, attributes: { 'saga.outcome': 'ok' } });
  const spanOf = (command: CommandMessage) => steps.find((one) => one.name === named(command))?.spanId;
  for (const command of driver.asked) expect(command.traceparent).toContain(String(spanOf(command)));
  expect(driver.told.map((one) => one.traceparent)).toEqual([
    traceparent({ traceId, spanId: saga?.spanId ?? '', sampled: true }),
  ]);
});

test('a step asked twice is one span; of a refusal the span tells the code, and it is no fault', async () => {
  stage.obeys(...before, ...undos);
  const { telemetry, stop } = telling(0);
  const driver = await stage.driver({ telemetry });
  const traceId = newTrace();
  const { id } = driver.start('trip', {
    traceId,
    traceparent: traceparent({ traceId, spanId, sampled: true }),
  });
  const pivot = await driver.ask('do d.pivot', id);
  await driver.pass(1_300);
  await until('it is asked again', () => driver.asks(id).filter((one) => one === 'do d.pivot').length === 2);
  await driver.reply(pivot, refused('too_few'));
  await driver.answer(id);
  await until('its row is written', () => driver.runner.liveCount === 0);
  await stop();
  const spans = spansOf(traceId);
  expect(spans.filter((one) => one.name === 'do d.pivot')).toMatchObject([
    { events: ['asked again'], attributes: { 'saga.outcome': 'too_few' }, fault: '' },
  ]);
  expect(spans.map((one) => one.name)).toEqual(expect.arrayContaining(undos));
  expect(spans.find((one) => one.name === 'saga trip')).toMatchObject({
    attributes: { 'saga.outcome': 'too_few' },
    fault: '',
  });
  await quiet();
});

test('a saga that is taken over goes on in its trace under the next driver', async () => {
  stage.obeys(...before);
  const { telemetry, stop } = telling(1);
  const one = await stage.driver();
  const traceId = newTrace();
  const { id } = one.start('trip', { traceId });
  await one.ask('do d.pivot', id);
  await one.crash();
  await stage.endLease(one);
  stage.obeys(...before, 'do d.pivot', ...after);
  const two = await stage.driver({ telemetry });
  await stage.status(id, 'succeeded');
  await until('it is over', () => two.runner.liveCount === 0);
  await stop();
  const spans = spansOf(traceId);
  const saga = spans.find((span) => span.name === 'saga trip');
  expect(saga).toMatchObject({ parentSpanId: '', events: expect.arrayContaining(['taken over']) });
  expect(spans.filter((span) => span.parentSpanId === saga?.spanId).length).toBe(spans.length - 1);
});
