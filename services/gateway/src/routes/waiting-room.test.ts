import type { WaitingRoomQueries } from '@tutti/contracts';
import { gate, until } from '@tutti/kit/testing';
import Fastify from 'fastify';
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Refused, sendProblem } from '../problems.ts';
import { waitingRoomRoutes } from './waiting-room.ts';

const opensAt = '2031-01-01T10:00:00.000Z';
const pages: readonly (readonly string[])[] = [['a', 'b'], ['c']];

/** A waiting room of one sale, which counts how it is asked for the list. */
class Line implements WaitingRoomQueries {
  isDrawn = true;
  readonly asked: number[] = [];
  before = (_from: number): Promise<void> => Promise.resolve();

  async joins(concertId: string, from: number): Promise<string[] | null> {
    this.asked.push(from);
    await this.before(from);
    if (!this.isDrawn || concertId !== 'sale') return null;
    return [...(pages[[0, 2].indexOf(from)] ?? [])];
  }
  async queue(concertId: string): Promise<string | null> {
    return concertId === 'sale' ? JSON.stringify({ phase: 'pre_queue', opensAt }) : null;
  }
  join = () => Promise.resolve('no_waiting_room' as const);
  admit = () => Promise.resolve({ code: 'no_waiting_room' as const });
  leave = () => Promise.resolve('no_waiting_room' as const);
}

const appOf = (line: Line, listingMsMax?: number) => {
  const app = Fastify().withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(() => JSON.stringify);
  app.decorateRequest('caller', null);
  app.setErrorHandler((error, request, reply) =>
    sendProblem(reply, request, error instanceof Refused ? error : new Refused('internal_error')),
  );
  const concerts = { concert: () => Promise.resolve(null) };
  waitingRoomRoutes(app, { line, concerts, ...(listingMsMax !== undefined && { listingMsMax }) });
  return app;
};
let line: Line;
let app: ReturnType<typeof appOf>;
let address = '';
beforeEach(async () => {
  line = new Line();
  app = appOf(line);
  address = await app.listen({ host: '127.0.0.1', port: 0 });
});
afterEach(() => app.close());

const ask = (concertId: string, init?: RequestInit): Promise<Response> =>
  fetch(`${address}/concerts/${concertId}/queue/joins`, init);

test('the list of joins is told page by page, and whether there is one without reading it', async () => {
  const list = await ask('sale');
  expect(await list.text()).toBe('a\nb\nc\n');
  expect(line.asked).toEqual([0, 2, 3]);
  const head = await ask('sale', { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
  expect(head.headers.get('cache-control')).toBe(list.headers.get('cache-control'));
  expect(line.asked.slice(3).filter((from) => from < 3)).toEqual([]);
  expect(line.asked).toHaveLength(4);
});

test('before the order is drawn there is no list yet, which is another matter than no line', async () => {
  line.isDrawn = false;
  const early = await ask('sale');
  expect([early.status, await early.json()]).toMatchObject([409, { code: 'sale_not_open', opensAt }]);
  expect((await ask('sale', { method: 'HEAD' })).status).toBe(409);
  expect(await (await ask('elsewhere')).json()).toMatchObject({ code: 'concert_not_found' });
});

test('two lists are told at once, a third has to come back, and whoever went away or is through leaves room', async () => {
  const { pass, open } = gate();
  line.before = (from) => (from === 0 ? pass() : Promise.resolve());
  const leaving = new AbortController();
  const held = [ask('sale', { signal: leaving.signal }), ask('sale', { signal: leaving.signal })];
  await until('two ask', () => line.asked.length === 2);
  const third = await ask('sale');
  expect([third.status, await third.json()]).toMatchObject([503, { code: 'overloaded' }]);
  expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(1);
  expect((await ask('sale', { method: 'HEAD' })).status).toBe(200);
  leaving.abort();
  expect((await Promise.allSettled(held)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  open();
  for (let times = 0; times < 3; times++)
    await until('there is room', async () => (await (await ask('sale')).text()) === 'a\nb\nc\n');
});

test('a list that is not read to its end leaves its room after a while', async () => {
  const { pass, open } = gate();
  line.before = (from) => (from === 2 ? pass() : Promise.resolve());
  const hasty = appOf(line, 200);
  const url = `${await hasty.listen({ host: '127.0.0.1', port: 0 })}/concerts/sale/queue/joins`;
  const held = [1, 2].map(async () => (await fetch(url)).text());
  expect((await Promise.allSettled(held)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  open();
  const told = async () => (await fetch(url)).text().catch(() => '');
  await until('there is room', async () => (await told()) === 'a\nb\nc\n');
  await hasty.close();
});
