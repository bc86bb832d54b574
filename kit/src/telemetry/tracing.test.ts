import { randomBytes } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { ConfigurationError, createLog, Environment, freePort } from '../service/index.ts';
import { TraceCollector, until } from '../testing/index.ts';
import { readTelemetryConfig, startTelemetry, type Telemetry } from './telemetry.ts';
import { isSampled, parseTraceparent, traceparent, unrecorded } from './trace-context.ts';

const opened: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one.stop();
});

async function collecting(): Promise<TraceCollector> {
  const collector = await TraceCollector.open();
  opened.push({ stop: async () => collector.close() });
  return collector;
}

type Line = { msg: string; spans: number };

function tracing(endpoint: string, sampleRatio: number, lines: Line[] = []): Telemetry {
  const log = createLog('info', { write: (line) => lines.push(JSON.parse(line)) });
  const telemetry = startTelemetry({
    service: 'test',
    log,
    config: { endpoint: new URL(endpoint), sampleRatio },
  });
  opened.push(telemetry);
  return telemetry;
}

const newTraceId = () => randomBytes(16).toString('hex');
const asking = { name: 'ask', kind: 'client' } as const;

test.each([
  ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', true],
  ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00', false],
  ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0b', true],
])('%s is a context', (text, sampled) => {
  expect(parseTraceparent(text)).toEqual({
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    sampled,
  });
});

test.each([
  undefined,
  ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
  '',
  '00-00000000000000000000000000000000-b7ad6b7169203331-01',
  '00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01',
  '00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01',
  '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more',
])('%s is none', (text) => {
  expect(parseTraceparent(text)).toBeUndefined();
});

test('what we write is what we read', () => {
  const context = { traceId: newTraceId(), spanId: 'b7ad6b7169203331', sampled: true };
  expect(parseTraceparent(traceparent(context))).toEqual(context);
  expect(isSampled(traceparent(context))).toBe(true);
  expect(isSampled(unrecorded(context.traceId))).toBe(false);
  expect(isSampled(undefined)).toBe(false);
});

test('without an address nothing is traced', () => {
  const read = new Environment({});
  expect(readTelemetryConfig(read)).toEqual({ endpoint: undefined, sampleRatio: 0.01 });
  const telemetry = startTelemetry({
    service: 'test',
    log: createLog('silent'),
    config: readTelemetryConfig(read),
  });
  expect(telemetry.of('test').spans).toBeUndefined();
});

test.each(['2', '-1', 'half', ' '])('a share of traces of "%s" is refused in a sentence', (ratio) => {
  const read = new Environment({ TRACE_SAMPLE_RATIO: ratio });
  readTelemetryConfig(read);
  expect(() => read.check()).toThrow(ConfigurationError);
  expect(() => read.check()).toThrow('TRACE_SAMPLE_RATIO must be a number from 0 to 1');
});

test('a span has its service, its trace, its parent and what was said of it', async () => {
  const collector = await collecting();
  const telemetry = tracing(collector.address, 1);
  const traceId = newTraceId();
  const root = telemetry.of('door').spans?.root(traceId, { name: 'GET /', kind: 'server' });
  const child = telemetry.of('room').spans?.below(root?.traceparent, {
    ...asking,
    attributes: { step: 'one', tries: 2 },
  });
  child?.note('asked again');
  child?.link(root?.traceparent);
  child?.end('no answer');
  root?.end();
  await until('both arrived', () => collector.spans.length === 2);
  const [inner, outer] = ['ask', 'GET /'].map((name) => collector.spans.find((one) => one.name === name));
  expect(outer).toMatchObject({ service: 'door', traceId, parentSpanId: '', kind: 2, fault: '' });
  expect(inner).toMatchObject({
    service: 'room',
    traceId,
    parentSpanId: outer?.spanId,
    kind: 3,
    attributes: { step: 'one', tries: 2 },
    events: ['asked again'],
    links: [outer?.spanId],
    fault: 'no answer',
  });
});

test('whether a trace is sampled follows from its id, the same in every process', async () => {
  const collector = await collecting();
  const [here, there] = [tracing(collector.address, 0.25), tracing(collector.address, 0.25)];
  const chosen = (telemetry: Telemetry, ids: readonly string[]) => {
    const { spans } = telemetry.of('test');
    return ids.filter((id) => spans?.root(id, asking) !== undefined);
  };
  const ids = Array.from({ length: 2_000 }, newTraceId);
  const sampled = chosen(here, ids);
  expect(chosen(there, ids)).toEqual(sampled);
  expect(sampled.length).toBeGreaterThan(350);
  expect(sampled.length).toBeLessThan(650);
});

test('a trace that its caller samples goes on, and one that it does not sample has no span', async () => {
  const collector = await collecting();
  const { spans } = tracing(collector.address, 0).of('test');
  const [traceId, spanId] = [newTraceId(), 'b7ad6b7169203331'];
  expect(spans?.root(traceId, asking)).toBeUndefined();
  expect(spans?.below(traceparent({ traceId, spanId, sampled: false }), asking)).toBeUndefined();
  expect(spans?.below('nonsense', asking)).toBeUndefined();
  spans?.below(traceparent({ traceId, spanId, sampled: true }), asking)?.end();
  await until('it arrived', () => collector.spans.length === 1);
  expect(collector.spans[0]).toMatchObject({ traceId, parentSpanId: spanId });
});

test('a collector that is gone costs spans and one line in the log, nothing else', async () => {
  const lines: Line[] = [];
  const telemetry = tracing(`http://127.0.0.1:${await freePort()}`, 1, lines);
  const { spans } = telemetry.of('test');
  for (let at = 0; at < 10_000; at++) spans?.root(newTraceId(), asking)?.end();
  await until('it is told', () => lines.length > 0);
  expect(lines.map(({ msg }) => msg)).toEqual(['traces could not be sent; they are dropped']);
  const { body } = await telemetry.metrics();
  expect(body).toMatch(/tutti_spans_total\{result="dropped"\} [1-9]/);
});

test('nobody waits long for a collector that does not answer', async () => {
  const collector = await collecting();
  collector.refuses = 'never';
  const telemetry = startTelemetry({
    service: 'test',
    log: createLog('silent'),
    config: { endpoint: new URL(collector.address), sampleRatio: 1 },
  });
  telemetry.of('test').spans?.root(newTraceId(), asking)?.end();
  const begun = performance.now();
  await telemetry.stop();
  expect(collector.requests).toBe(1);
  expect(performance.now() - begun).toBeLessThan(6_000);
});
