import { Histogram, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { readMetrics } from '../testing/index.ts';
import { Meters } from './meters.ts';

const pageOf = async (meters: Meters) => readMetrics((await meters.page()).body);

test('counting is adding to a number, and the page tells the sum by label', async () => {
  const meters = new Meters();
  const counts = meters.counter({ name: 'apples_total', help: 'Apples.', labels: ['colour', 'size'] });
  const red = counts.of('red', 'small');
  red.value += 3;
  counts.of('red', 'small').value++;
  counts.of('green "odd\\', 'big').value++;
  const page = await pageOf(meters);
  expect(page.types.get('apples_total')).toBe('counter');
  expect(page.value('apples_total{size="small",colour="red"}')).toBe(4);
  expect(page.series.filter((one) => one.startsWith('apples'))).toHaveLength(2);
});

test('two services of a process that count under one name are one metric', async () => {
  const meters = new Meters();
  const described = { name: 'pears_total', help: 'Pears.', labels: ['from'] };
  meters.counter(described).of('garden').value++;
  meters.counter(described).of('shop').value++;
  const full = { name: 'basket_full', help: 'Full.', labels: ['basket'] };
  meters.gauge(full, () => [[1, 'mine']]);
  meters.gauge(full, async () => [[0, 'yours']]);
  const page = await pageOf(meters);
  expect(page.series.filter((one) => /^(pears|basket)/.test(one))).toEqual([
    'pears_total{from="garden"}',
    'pears_total{from="shop"}',
    'basket_full{basket="mine"}',
    'basket_full{basket="yours"}',
  ]);
});

test('a distribution tells what prom-client’s own histogram would', async () => {
  const bounds = [0.1, 1, 10];
  const meters = new Meters();
  const ours = meters.distribution({ name: 'wait_seconds', help: 'Wait.', labels: ['at'] }, bounds);
  const registry = new Registry();
  const theirs = new Histogram({
    name: 'wait_seconds',
    help: 'Wait.',
    labelNames: ['at'],
    buckets: bounds,
    registers: [registry],
  });
  for (const value of [0, 0.1, 0.2, 1, 1.5, 9.75, 10, 11, 400])
    for (const at of ['door', 'desk']) {
      ours.of(at).observe(value);
      theirs.observe({ at }, value);
    }
  const [mine, other] = [await pageOf(meters), readMetrics(await registry.metrics())];
  expect(mine.types.get('wait_seconds')).toBe('histogram');
  expect(other.series).toHaveLength(12);
  for (const series of other.series) expect(mine.value(series), series).toBe(other.value(series));
  expect(mine.series.filter((one) => one.startsWith('wait_seconds')).toSorted()).toEqual(
    other.series.toSorted(),
  );
});

test('a read that fails or hangs is missing; the rest of the page is there', async () => {
  const meters = new Meters();
  meters.gauge({ name: 'broken', help: 'Broken.' }, () => Promise.reject(new Error('gone')));
  meters.gauge({ name: 'thrown', help: 'Thrown.' }, () => {
    throw new Error('gone');
  });
  meters.gauge({ name: 'hanging', help: 'Hanging.', labels: ['a'] }, () => new Promise(() => {}));
  meters.gauge({ name: 'whole', help: 'Whole.' }, () => [[7]]);
  const page = await pageOf(meters);
  expect(page.value('whole')).toBe(7);
  expect(page.series.filter((one) => /broken|thrown|hanging/.test(one))).toEqual([]);
});

test('however many label sets come, a metric stays of a size that can be read', async () => {
  const meters = new Meters();
  const counts = meters.counter({ name: 'odd_total', help: 'Odd.', labels: ['what'] });
  for (let at = 0; at < 5_000; at++) counts.of(`thing ${at}`).value++;
  const page = await pageOf(meters);
  const series = page.series.filter((one) => one.startsWith('odd_total'));
  expect(series.length).toBeLessThan(1_100);
  expect(page.value('odd_total{what="other"}')).toBe(4_000);
});

test('of the process itself the page tells CPU, memory and how late the event loop runs', async () => {
  const meters = new Meters();
  await meters.page();
  const page = await pageOf(meters);
  expect(page.value('process_resident_memory_bytes')).toBeGreaterThan(1_000_000);
  expect(page.value('process_cpu_seconds_total')).toBeGreaterThan(0);
  expect(page.types.get('nodejs_eventloop_lag_p99_seconds')).toBe('gauge');
});
