import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pages } from '../../services/gateway/src/web-app.ts';
import { request } from '../support/client.ts';
import { openHouse, type House } from '../support/house.ts';
import { sendRaw } from '../support/raw.ts';

const page = '<!doctype html><script type="module" src="/assets/app-1a2b3c.js"></script>';
const script = `console.log(${JSON.stringify('tutti '.repeat(200))});`;
let house: House;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tutti-web-'));
  await mkdir(path.join(folder, 'assets'));
  const files = { 'index.html': page, 'assets/app-1a2b3c.js': script };
  for (const [name, content] of Object.entries(files)) {
    await writeFile(path.join(folder, name), content);
    await writeFile(path.join(folder, `${name}.br`), brotliCompressSync(content));
    await writeFile(path.join(folder, `${name}.gz`), gzipSync(content));
  }
  house = await openHouse({ WEB_DIR: folder });
});
afterAll(async () => {
  await house.stop();
  await rm(folder, { recursive: true });
});

const get = (at: string, headers: Record<string, string> = {}) =>
  request(house.address, 'GET', at, { headers });
const addresses = ['/', ...pages.map((one) => one.replace(/:\w+/g, 'x-1'))];

test.each(addresses)('%s is the page, always asked for again, and lets nothing in', async (at) => {
  const { status, text, headers } = await get(at);
  expect([status, text]).toEqual([200, page]);
  expect(headers.get('content-type')).toMatch(/^text\/html/);
  expect(headers.get('cache-control')).toBe('no-cache');
  const policy = headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'; script-src 'self';");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toContain('unsafe');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('permissions-policy')).toContain('geolocation=()');
  // `fetch` would ask for it in spite of what it has.
  const again = (known: Record<string, string>) =>
    sendRaw(house.address, { method: 'GET', path: at, headers: known });
  const etag = (await again({})).headers.get('etag') ?? '';
  expect((await again({ 'if-none-match': etag })).status).toBe(304);
});

test('the addresses are those of the app', async () => {
  const app = await readFile(path.join(import.meta.dirname, '../../web/src/app.tsx'), 'utf8');
  const routes = [...app.matchAll(/<Route path="([^"]+)"/g)].map(([, at = '']) => at);
  expect(routes.toSorted()).toEqual(['/', ...pages].toSorted());
});

test('a file that is named by its content is kept for ever', async () => {
  const { text, headers } = await get('/assets/app-1a2b3c.js');
  expect(text).toBe(script);
  expect(headers.get('content-type')).toMatch(/javascript/);
  expect(headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
});

test.each([
  ['br, gzip', 'br'],
  ['gzip', 'gzip'],
  ['identity', undefined],
])('to who accepts %s it comes as %s', async (accept, encoding) => {
  const { port } = new URL(house.address);
  const headers = { 'accept-encoding': accept };
  const answer = await new Promise<{ encoding: string | undefined; vary: string; bytes: Buffer }>((done) => {
    httpRequest({ port, path: '/assets/app-1a2b3c.js', headers }, (incoming) => {
      const parts: Buffer[] = [];
      incoming.on('data', (part: Buffer) => parts.push(part));
      incoming.on('end', () =>
        done({
          encoding: incoming.headers['content-encoding'],
          vary: String(incoming.headers.vary),
          bytes: Buffer.concat(parts),
        }),
      );
    }).end();
  });
  expect(answer.encoding).toBe(encoding);
  expect(answer.vary.toLowerCase()).toContain('accept-encoding');
  if (encoding === 'br') expect(brotliDecompressSync(answer.bytes).toString()).toBe(script);
});

const nowhere = [
  '/assets/none.js',
  '/nowhere',
  '/concerts',
  '/tickets/x',
  '/%2e%2e/package.json',
  '/assets/..%2f..%2fpackage.json',
];
const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

test.each(nowhere)(
  'there is no %s: a browser gets the app, which says so, and is not to keep it',
  async (at) => {
    const { status, text, headers } = await get(at, { accept: browser });
    expect([status, text]).toEqual([404, page]);
    expect(headers.get('content-type')).toMatch(/^text\/html/);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('vary')).toContain('accept');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self';");
  },
);

test.each([
  ...nowhere.flatMap((at) =>
    ['*/*', 'application/json', 'application/json, text/html'].map((accept) => [at, accept]),
  ),
  ['/api/v1/nowhere', browser],
  ['/api/v1/tickets', browser],
])('there is no %s: who asks for %s is told in data', async (at = '', accept = '') => {
  const { status, body } = await get(at, { accept });
  expect(status).toBe(404);
  expect(body).toMatchObject({ code: 'not_found' });
});

test('who sends something to where there is nothing is told in data', async () => {
  const reply = await request(house.address, 'POST', '/nowhere', { headers: { accept: browser } });
  expect(reply.body).toMatchObject({ status: 404, code: 'not_found' });
});

test.each([
  ['/tickets/', '/tickets'],
  ['/concerts/x-1/?show=open', '/concerts/x-1?show=open'],
])('%s is %s', async (at, to) => {
  const { status, headers } = await sendRaw(house.address, { method: 'GET', path: at });
  expect([status, headers.get('location')]).toEqual([308, to]);
});

test('a page takes no other method', async () => {
  const reply = await request(house.address, 'POST', '/tickets');
  expect(reply.body).toMatchObject({ status: 405, code: 'method_not_allowed' });
});
