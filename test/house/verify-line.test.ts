import { commitmentOf, joinOf, joinRootOf, numberOf, seedOf } from '@tutti/contracts/line';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

// npm run line:verify, as somebody runs it who trusts nobody here.
const program = path.resolve(import.meta.dirname, '../../scripts/verify-line.ts');
const secret = '5e'.repeat(32);
const tokens = Array.from({ length: 50 }, (_, arrival) => `header.fan-${arrival}.signature`);
const joins = tokens.map(joinOf);
const joinRoot = joinRootOf(joins);
const seed = seedOf(secret, joinRoot);
const shuffle = { commitment: commitmentOf(secret), secret, joinRoot, seed, preQueueSize: joins.length };

let folder = '';
const file = (name: string): string => path.join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tutti-verify-'));
  await writeFile(file('shuffle.json'), JSON.stringify(shuffle));
  await writeFile(file('joins'), `${joins.join('\n')}\n`);
  await writeFile(file('token'), `${tokens[7]}\n`);
  await writeFile(file('foreign-token'), 'header.nobody.signature\n');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const verify = (...args: string[]): Promise<{ code: number | string; said: string }> =>
  new Promise((done) => {
    execFile(process.execPath, [program, ...args], (error, stdout, stderr) =>
      done({ code: error?.code ?? 0, said: stdout + stderr }),
    );
  });

test('a shuffle that is right is found right, and a fan finds their join and number', async () => {
  const { code, said } = await verify(
    file('shuffle.json'),
    '--joins',
    file('joins'),
    '--queue-token',
    file('token'),
  );
  expect(said).not.toContain('WRONG');
  expect(said).toContain(`Arrival 7 has number ${numberOf({ seed, preQueueSize: 50, arrival: 7 })} of 50.`);
  expect(code).toBe(0);
});

test('a commitment that was changed afterwards is found out by whoever kept the first', async () => {
  const { code, said } = await verify(file('shuffle.json'), '--commitment', '00'.repeat(32));
  expect(said).toContain('WRONG  commitment');
  expect(code).toBe(1);
});

test('a list without one of its joins is found out', async () => {
  await writeFile(file('short'), `${joins.slice(1).join('\n')}\n`);
  const { code, said } = await verify(file('shuffle.json'), '--joins', file('short'));
  expect(said).toContain('WRONG  join root');
  expect(said).toContain('WRONG  pre-queue size');
  expect(code).toBe(1);
});

test('a fan whose join was left out learns it', async () => {
  const { code, said } = await verify(
    file('shuffle.json'),
    '--joins',
    file('joins'),
    '--queue-token',
    file('foreign-token'),
  );
  expect(said).toContain('WRONG  this queue token is not in the list');
  expect(code).toBe(1);
});

test('a sale that has not opened yet is no shuffle, and says so', async () => {
  await writeFile(file('early.json'), JSON.stringify({ commitment: shuffle.commitment }));
  const { code, said } = await verify(file('early.json'));
  expect(said).toContain('may not have opened yet');
  expect(code).toBe(2);
});
