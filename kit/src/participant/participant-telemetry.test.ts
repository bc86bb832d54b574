import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CommandMessage } from '../saga/index.ts';
import { createLog } from '../service/index.ts';
import { startTelemetry, traceparent } from '../telemetry/index.ts';
import { TraceCollector, until, type CollectedSpan } from '../testing/index.ts';
import { openDepot, put, type Depot } from './depot.fixture.ts';

// What a participant tells of the commands it obeys: a span for each that is traced, and the context in its reply.
let depot: Depot;
let collector: TraceCollector;
beforeAll(async () => {
  depot = await openDepot();
  collector = await TraceCollector.open();
});
afterAll(async () => {
  await depot.close();
  collector.close();
});

const spanId = 'b7ad6b7169203331';

function tracing() {
  const log = createLog('silent');
  const config = { endpoint: new URL(collector.address), sampleRatio: 0 };
  const telemetry = startTelemetry({ service: 'depot', log, config });
  return { telemetry: telemetry.of('depot'), stop: () => telemetry.stop() };
}

function traced(command: CommandMessage, sampled: boolean): CommandMessage & { traceparent: string } {
  const traceId = randomBytes(16).toString('hex');
  return { ...command, traceId, traceparent: traceparent({ traceId, spanId, sampled }) };
}

const spansOf = ({ traceId }: CommandMessage): CollectedSpan[] =>
  collector.spans.filter((one) => one.traceId === traceId);

test('a traced command has a span below the one that asks, with the size of its batch; its reply names it', async () => {
  const [crate = ''] = await depot.crates(1, 5);
  const { telemetry, stop } = tracing();
  const { send, answered, replies } = depot.staff({ telemetry });
  const commands = [traced(put(crate, 3), true), put(crate, 1), traced(put(crate, 3), true)] as const;
  await send(...commands);
  await answered(3);
  await stop();
  const [first, , third] = commands.map(spansOf);
  const attributes = {
    'messaging.destination.name': 'depot.commands',
    'messaging.batch.message_count': 3,
    'saga.id': commands[0].saga,
    'saga.step': 'put',
    'saga.direction': 'do',
    'saga.outcome': 'ok',
  };
  expect(first).toMatchObject([
    { name: 'do depot.put', service: 'depot', kind: 5, parentSpanId: spanId, fault: '', attributes },
  ]);
  expect(third).toMatchObject([{ fault: '', attributes: { 'saga.outcome': 'crate_full' } }]);
  const replyTo = (command: CommandMessage) => replies.find(({ saga }) => saga === command.saga);
  expect(replyTo(commands[0])?.traceparent).toBe(
    traceparent({ traceId: commands[0].traceId, spanId: first?.[0]?.spanId ?? '', sampled: true }),
  );
  expect(replyTo(commands[1])).not.toHaveProperty('traceparent');
});

test('the context of a trace that is not sampled comes back as it went', async () => {
  const [crate = ''] = await depot.crates(1);
  const { telemetry, stop } = tracing();
  const { send, answered, replies } = depot.staff({ telemetry });
  const command = traced(put(crate, 1), false);
  await send(command);
  await answered(1);
  await stop();
  expect(replies[0]?.traceparent).toBe(command.traceparent);
  expect(spansOf(command)).toEqual([]);
});

test('a command that is set aside ends its span with a fault, and the log line names saga and trace', async () => {
  const lines: string[] = [];
  const { telemetry, stop } = tracing();
  const log = createLog('info', { write: (line) => lines.push(line) });
  const { send, bus } = depot.staff({ telemetry, log });
  const [crate = ''] = await depot.crates(1);
  const command = traced(put(crate, 'three'), true);
  await send(command);
  await until('it is set aside', async () => (await bus.deadLetters()).length === 1);
  await stop();
  expect(spansOf(command)).toMatchObject([{ fault: 'set aside as a dead letter' }]);
  const { saga, traceId, step, type } = command;
  expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
    { msg: 'a command was set aside', saga, traceId, step, type },
  ]);
});
