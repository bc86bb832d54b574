import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { freePort } from '@tutti/kit/service';
import { until } from '../waiting.ts';
import { startVarnish, type RunningVarnish } from './varnish.ts';

// deploy/varnish/waiting-room.vcl in a real Varnish, before a gateway that says how it was asked.

let sales = 0;
/** Of a sale that no other test has asked for. */
let queue = '';
let folder = '';
let port = 0;
let gateway: Server | undefined;
let varnish: RunningVarnish;
let asked: IncomingMessage[] = [];
let text = 'first';
let status = 200;
let health = 200;
let cacheControl = 'public, max-age=60';
let opened: Promise<void> = Promise.resolve();

async function openGateway(): Promise<void> {
  const server = createServer((request, response) => {
    if (request.url === '/healthz') {
      response.writeHead(health).end();
      return;
    }
    asked.push(request);
    void opened.then(() => response.writeHead(status, { 'cache-control': cacheControl }).end(text));
  });
  await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
  gateway = server;
}

const closeGateway = () =>
  new Promise<void>((closed) => {
    gateway?.close(() => closed());
    gateway?.closeAllConnections();
    if (!gateway) closed();
    gateway = undefined;
  });

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tutti-varnish-'));
  port = await freePort();
  await openGateway();
  varnish = await startVarnish(folder, port, () => {});
});
beforeEach(() => {
  asked = [];
  queue = `/api/v1/concerts/sale-${++sales}/queue`;
  [text, status, health, cacheControl, opened] = ['first', 200, 200, 'public, max-age=60', Promise.resolve()];
});
afterAll(async () => {
  await varnish.stop();
  await closeGateway();
  await rm(folder, { recursive: true, force: true });
});

const ask = (address: string, init?: RequestInit): Promise<Response> =>
  fetch(`http://127.0.0.1:${varnish.port}${address}`, init);

test('fans who ask at once are one request to the gateway, and nothing of them is in it', async () => {
  const { waited: before } = await varnish.counts();
  let open = () => {};
  opened = new Promise((now) => (open = now));
  const crowd = Array.from({ length: 40 }, (_, fan) =>
    ask(`${queue}?fan=${fan}`, {
      headers: {
        cookie: `session=${fan}`,
        authorization: `Bearer ${fan}`,
        'accept-language': fan % 2 === 0 ? 'ko' : 'en',
      },
    }).then((response) => response.text()),
  );
  await until(
    'all but one wait for the answer',
    async () => (await varnish.counts()).waited >= before + 39,
    10_000,
  );
  open();
  expect(new Set(await Promise.all(crowd))).toEqual(new Set(['first']));
  expect(asked.map(({ url }) => url)).toEqual([queue]);
  expect(asked[0]?.headers).not.toHaveProperty('cookie');
  expect(asked[0]?.headers).not.toHaveProperty('authorization');
});

test('what is not the document goes through as it is, each time', async () => {
  const headers = { authorization: 'Bearer mine', cookie: 'session=mine' };
  await ask(`${queue}-tokens`, { method: 'POST', headers });
  await ask(`${queue}-tokens`, { method: 'POST', headers });
  await ask('/api/v1/reservations?cursor=1', { headers });
  await ask('/api/v1/reservations?cursor=1', { headers });
  expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
    `POST ${queue}-tokens`,
    `POST ${queue}-tokens`,
    'GET /api/v1/reservations?cursor=1',
    'GET /api/v1/reservations?cursor=1',
  ]);
  for (const request of asked) expect(request.headers).toMatchObject(headers);
});

test('two concerts have two documents', async () => {
  expect(await (await ask(queue)).text()).toBe('first');
  text = 'another';
  expect(await (await ask('/api/v1/concerts/other/queue')).text()).toBe('another');
  expect(await (await ask(queue)).text()).toBe('first');
});

test.each(['is gone', 'says it is not well', 'fails'])(
  'fans read what was true before while the gateway %s',
  async (how) => {
    cacheControl = 'public, max-age=1';
    expect(await (await ask(queue)).text()).toBe('first');
    text = 'trouble';
    status = 503;
    if (how === 'is gone') await closeGateway();
    if (how === 'says it is not well') health = 503;
    // Past the second for which it was good, and the five for which a gateway that is well may take to answer.
    await until(
      'the answer is eight seconds old',
      async () => {
        const response = await ask(queue);
        expect([response.status, await response.text()]).toEqual([200, 'first']);
        return Number(response.headers.get('age')) >= 8;
      },
      20_000,
      100,
    );
    [text, status, health] = ['second', 200, 200];
    if (how === 'is gone') await openGateway();
    await until(
      'the new answer is there',
      async () => (await (await ask(queue)).text()) === 'second',
      10_000,
    );
  },
);

test('a document that was never there is refused with when to ask again', async () => {
  status = 503;
  const response = await ask(queue);
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('5');
});
