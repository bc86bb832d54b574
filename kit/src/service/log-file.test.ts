import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../testing/conditions.ts';
import { LogFile } from './log-file.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'log-file-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('every line is in the file, in order, once it is closed', async () => {
  const file = path.join(folder, 'a.log');
  const log = new LogFile(file, () => {});
  const lines = Array.from({ length: 5_000 }, (_, at) => `line ${at} ${'ö'.repeat(at % 7)}\n`);
  for (const line of lines) log.write(line);
  await new Promise((turn) => setImmediate(turn));
  log.write('last\n');
  await log.close();
  expect(await readFile(file, 'utf8')).toBe(`${lines.join('')}last\n`);
});

test('a few lines are written without being asked for', async () => {
  const file = path.join(folder, 'b.log');
  const log = new LogFile(file, () => {});
  log.write('one\n');
  await until('it is written', async () => (await readFile(file, 'utf8')) === 'one\n');
  await log.close();
});

test.skipIf(!existsSync('/dev/full'))(
  'a full disk is told once and holds up neither writing nor closing',
  async () => {
    const told: string[] = [];
    const log = new LogFile('/dev/full', (sentence) => told.push(sentence));
    for (let at = 0; at < 50_000; at++) log.write(`${'x'.repeat(200)}\n`);
    await until('it is told', () => told.length > 0);
    for (let at = 0; at < 100; at++) log.write('more\n');
    await log.close();
    expect(told).toEqual([expect.stringMatching(/^The log \/dev\/full cannot be written: ENOSPC/)]);
  },
);
