import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { isShed, loadClassOf, LoadShedder, type LoadClass } from './load-shedder.ts';

const shedAt = (pending: number, lagMs: number): LoadClass[] =>
  (['looking', 'beginning', 'finishing'] as const).filter((loadClass) =>
    isShed({ pending, lagMs }, loadClass),
  );

test('nothing is shed while there is room', () => {
  expect(shedAt(511, 499)).toEqual([]);
});

test('looking around goes first, then new holds, and what belongs to a hold last', () => {
  expect(shedAt(512, 0)).toEqual(['looking']);
  expect(shedAt(640, 0)).toEqual(['looking', 'beginning']);
  expect(shedAt(4_095, 0)).toEqual(['looking', 'beginning']);
  expect(shedAt(4_096, 0)).toEqual(['looking', 'beginning', 'finishing']);
});

test('an event loop that runs late sheds in the same order', () => {
  expect(shedAt(0, 500)).toEqual(['looking']);
  expect(shedAt(0, 1_000)).toEqual(['looking', 'beginning']);
  expect(shedAt(0, 5_000)).toEqual(['looking', 'beginning', 'finishing']);
});

test.each([
  ['GET', '/api/v1/concerts', 'looking'],
  ['GET', '/api/v1/performances/x/seats', 'looking'],
  ['POST', '/api/v1/reservations', 'beginning'],
  ['POST', '/api/v1/users', 'beginning'],
  ['POST', '/api/v1/points/charges', 'beginning'],
  ['POST', '/api/v1/reservations/01890000-0000-7000-8000-000000000000/payment', 'finishing'],
  ['POST', '/api/v1/reservations/01890000-0000-7000-8000-000000000000/cancellation', 'finishing'],
  ['GET', '/api/v1/reservations/01890000-0000-7000-8000-000000000000', 'finishing'],
  ['GET', '/api/v1/operations/01890000-0000-7000-8000-000000000000', 'finishing'],
  ['PUT', '/api/v1/admin/concerts/x/sale', 'finishing'],
  ['GET', '/api/v1/admin/operations?status=stuck', 'finishing'],
  ['GET', '/api/v1/concerts/x/queue', 'finishing'],
  ['GET', '/api/v1/concerts/x/queue/joins', 'looking'],
  ['POST', '/api/v1/concerts/x/queue-tokens', 'beginning'],
  ['GET', '/readyz', 'never shed'],
  ['POST', '/partner-stub', 'never shed'],
])('%s %s is of the class %s', (method, url, expected) => {
  expect(loadClassOf(method, url)).toBe(expected);
});

test('what is refused is counted by what it was for', () => {
  const shedder = new LoadShedder(() => 10_000);
  const isRefused = (method: string, url: string) => {
    const request = Object.assign(new IncomingMessage(new Socket()), { method, url });
    return shedder.refuses(request, new ServerResponse(request));
  };
  expect(isRefused('GET', '/api/v1/concerts')).toBe(true);
  expect(isRefused('GET', '/api/v1/concerts')).toBe(true);
  expect(isRefused('POST', '/api/v1/reservations')).toBe(true);
  expect(isRefused('GET', '/healthz')).toBe(false);
  expect(shedder.shedCounts).toEqual({ looking: 2, beginning: 1, finishing: 0 });
  shedder.stop();
});
