import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { historyLine, readHistory, type HistoryLine } from '../../standalone/src/audit/history.ts';
import type { Fan } from '../support/client.ts';
import { openHouse, type House } from '../support/house.ts';
import { business, expectRed, Memory, type Extra } from './auditor.fixture.ts';

// What was written elsewhere: in logs, and in the memory of clients.

let house: House;
let folder: string;
let there: { show: string; fan: Fan };
const memory = new Memory();
beforeAll(async () => {
  house = await openHouse();
  folder = await mkdtemp(path.join(tmpdir(), 'tutti-audit-'));
  there = await business(house, memory);
});
afterAll(async () => {
  await house.stop();
  await rm(folder, { recursive: true, force: true });
});

const logOf = async (...lines: object[]): Promise<Extra> => {
  const file = path.join(folder, `${randomUUID()}.log`);
  await writeFile(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return { logFiles: [file], secrets: new Map([['partner-secret', 'whsec_c2VjcmV0']]) };
};

test('what looks like a secret and is none may be in a log', async () => {
  const harmless = {
    passwordFile: '/data/secrets/promoter-password',
    password: '[Redacted]',
    msg: 'a wrong password',
    stack: 'at run (file:///node_modules/@tutti/kit/index.ts:1:2) undici@7.16.0',
  };
  await expectRed(house, [], { history: memory.history, ...(await logOf(harmless)) });
});

test('a history whose writer was killed is read up to its last line; one that is broken in the middle is not', async () => {
  const file = path.join(folder, 'history.jsonl');
  const line = historyLine({ fan: '', method: 'GET', path: '/', status: 429, startedAt: 1, endedAt: 2 });
  await writeFile(file, `${line}${line.slice(0, 20)}`);
  expect((await readHistory(file)).withoutRetryAfter).toHaveLength(1);
  await writeFile(file, `${line}${line.slice(0, 20)}\n${line}`);
  await expect(readHistory(file)).rejects.toThrow('line 2 is no request');
});

test('a repeated request is answered with other bytes: 7, 9', async () => {
  const repeating = new Memory();
  await repeating.charge(there.fan, 10_000, 'charge');
  const change = (from: string, to: string) =>
    house.databases.orchestrator.query(
      `update saga set answer = replace(answer, '"balance":${from},', '"balance":${to},') where key = 'charge'`,
    );
  await change('10000', '10001');
  await repeating.charge(there.fan, 10_000, 'charge');
  await expectRed(house, [7, 9], { history: repeating.history });
  await change('10001', '10000');
});

const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJ1c2VySWQiOiIxIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ';
test.each([
  ['an e-mail address', { msg: 'welcome someone@fans.example' }],
  ['an address as a URL has it', { route: '/users?email=someone%40fans.example' }],
  ['an access token', { authorization: `Bearer ${jwt}` }],
  ['a secret', { key: 'whsec_c2VjcmV0' }],
  ['a password', { body: { password: 'correct horse' } }],
])('%s is in a log: 14', async (_, line) => {
  await expectRed(house, [14], await logOf({ msg: 'fine' }, line));
});

test('the address of an account that looks like no address is in a log: 14', async () => {
  await house.databases.user.query(
    `insert into account (id, name, email, password_hash) values ($1, 'x', 'me@home', 'x')`,
    [randomUUID()],
  );
  await expectRed(house, [14], await logOf({ msg: 'welcome "Me@Home"' }));
});

test.each<[string, number[], Partial<HistoryLine> & { status: number }]>([
  ['a 503 does not say when to come back', [13], { status: 503 }],
  [
    'a sign-up was answered and is gone',
    [13],
    { method: 'POST', path: '/api/v1/users', status: 201, body: '{"userId":"1"}' },
  ],
  ['a token is in a URL', [14], { path: `/api/v1/points?token=${jwt}`, status: 200 }],
  [
    'a request was accepted and is not there',
    [7],
    {
      method: 'POST',
      path: '/api/v1/points/charges',
      key: 'k',
      status: 202,
      body: `{"operationId":"${randomUUID()}"}`,
    },
  ],
])('%s: %j', async (_, red, line) => {
  const other = new Memory();
  other.note(line);
  await expectRed(house, red, { history: other.history });
});

test('two keys were answered with one effect, and one key with two: 7, 9', async () => {
  const other = new Memory();
  const request = { fan: there.fan.userId, method: 'POST', path: '/api/v1/points/charges' };
  const [row] = await house.databases.orchestrator.query<{ answer: string }>(
    `select answer from saga where key = 'charge'`,
  );
  const told = { ...request, status: 201, body: row?.answer };
  for (const line of [{ key: 'charge' }, { key: 'another' }]) other.note({ ...told, ...line });
  other.note({ ...told, key: 'charge', bodySha: 'another body' });
  const said = await expectRed(house, [7, 9], { history: other.history });
  expect(said).toContain('Two keys were answered with one effect');
  expect(said).toContain('Two different requests under one key were both answered');
});

test('a request was turned away and took place all the same: 7', async () => {
  const other = new Memory();
  const request = { fan: there.fan.userId, method: 'POST', path: '/api/v1/points/charges', key: 'charge' };
  other.note({ ...request, status: 503, body: '{"code":"overloaded"}', retryAfter: '1' });
  await expectRed(house, [7], { history: other.history });
});
