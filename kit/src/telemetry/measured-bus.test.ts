import { randomUUID } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { InProcessBus, queue, type Bus } from '../messaging/index.ts';
import { createLog } from '../service/index.ts';
import { readMetrics, until } from '../testing/index.ts';
import { queueLabel, type MeasurableBus } from './measured-bus.ts';
import { startTelemetry } from './telemetry.ts';

const buses: Bus[] = [];
afterEach(() => Promise.all(buses.splice(0).map((bus) => bus.close())));

function watched(inner: MeasurableBus = new InProcessBus({ retryFirstMs: 1 })) {
  const telemetry = startTelemetry({ service: 'test', log: createLog('silent') });
  const bus = telemetry.watchBus(inner);
  buses.push(bus);
  return { bus, page: async () => readMetrics((await telemetry.metrics()).body) };
}

const jobs = queue<number>('jobs');

test('a batch is counted once, by its queue, with how many messages it has', async () => {
  const { bus, page } = watched();
  let done = 0;
  await bus.publish(jobs, [1, 2, 3, 4, 5, 6]);
  bus.consume(
    jobs,
    async (batch) => {
      done += batch.length;
    },
    { batchMax: 4 },
  );
  await until('all are done', () => done === 6);
  const { value } = await page();
  expect(value('tutti_batch_messages_count{queue="jobs"}')).toBe(2);
  expect(value('tutti_batch_messages_sum{queue="jobs"}')).toBe(6);
  expect(value('tutti_batch_messages_bucket{queue="jobs",le="2"}')).toBe(1);
  expect(value('tutti_batch_duration_seconds_count{queue="jobs"}')).toBe(2);
  expect(value('tutti_redelivered_messages_total{queue="jobs"}')).toBe(0);
});

test('what comes once more, what its handler throws and what is set aside is counted', async () => {
  const { bus, page } = watched();
  const seen: number[] = [];
  bus.consume(
    jobs,
    async ([delivery]) => {
      if (!delivery) return undefined;
      seen.push(delivery.deliveries);
      if (delivery.message === 13) return [{ dead: 'unlucky' }];
      if (delivery.deliveries < 3) throw new Error('not yet');
      return undefined;
    },
    { batchMax: 1 },
  );
  await bus.publish(jobs, [1, 13]);
  await until('it was done at last', () => seen.includes(3));
  const { value } = await page();
  expect(value('tutti_redelivered_messages_total{queue="jobs"}')).toBe(2);
  expect(value('tutti_batches_failed_total{queue="jobs"}')).toBe(2);
  expect(value('tutti_dead_letters{queue="jobs"}')).toBe(1);
});

test('what waits is told by queue; queues of single processes are one and no id is told', async () => {
  const { bus, page } = watched();
  for (const count of [2, 3])
    await bus.publish(queue(`sagas.replies.${randomUUID()}`), Array.from({ length: count }, String));
  const { value, series } = await page();
  expect(value('tutti_queue_messages{queue="sagas.replies"}')).toBe(5);
  expect(series.filter((one) => /[0-9a-f]{8}-/.test(one))).toEqual([]);
  expect(queueLabel('orders.commands')).toBe('orders.commands');
});

test('a bus over a broker is asked for its own figures', async () => {
  const figures = { queue: 'far.commands', depth: 12, deadLetters: 3 };
  const inner = Object.assign(new InProcessBus(), {
    stats: () => [figures, { queue: `far.answers.${randomUUID()}`, depth: 1, deadLetters: 0 }],
    deadLetters: () => Promise.reject(new Error('It would take long.')),
  });
  const { page } = watched(inner);
  const { value } = await page();
  expect(value('tutti_queue_messages{queue="far.commands"}')).toBe(12);
  expect(value('tutti_queue_messages{queue="far.answers"}')).toBe(1);
  expect(value('tutti_dead_letters_total{queue="far.commands"}')).toBe(3);
  figures.deadLetters = 4;
  expect((await page()).value('tutti_dead_letters_total{queue="far.commands"}')).toBe(4);
});
