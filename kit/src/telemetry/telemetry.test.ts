import { expect, test } from 'vitest';
import { createLog } from '../service/index.ts';
import { readMetrics } from '../testing/index.ts';
import { startTelemetry, watchDatabase } from './telemetry.ts';

test('a database is up when it answers, and down when it fails or does not answer in time', async () => {
  const telemetry = startTelemetry({ service: 'test', log: createLog('silent') });
  const mine = telemetry.of();
  watchDatabase(mine, 'well', async () => {});
  watchDatabase(mine, 'refusing', () => Promise.reject(new Error('ECONNREFUSED')));
  watchDatabase(mine, 'hanging', () => new Promise(() => {}));
  const { contentType, body } = await telemetry.metrics();
  expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
  const { value, series } = readMetrics(body);
  expect(value('tutti_database_up{database="well"}')).toBe(1);
  for (const database of ['refusing', 'hanging']) {
    expect(series).toContain(`tutti_database_up{database="${database}"}`);
    expect(value(`tutti_database_up{database="${database}"}`)).toBe(0);
  }
});

test.each([
  ['a_total 1', 'Nothing declares a_total.'],
  ['# TYPE a_total counter\na_total{b=c} 1', 'This is not a metric'],
  ['# TYPE a_total counter\na_total one', 'This is not a number'],
  ['# TYPE a_total counter\na_total{b="c",d="e"} 1\na_total{d="e",b="c"} 2', 'is there twice'],
])('the reader of pages that tests use finds faults: %s', (page, fault) => {
  expect(() => readMetrics(page)).toThrow(fault);
});
