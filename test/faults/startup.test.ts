import { until } from '@tutti/kit/testing';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, expect, test } from 'vitest';
import { Playground } from '../support/playground.ts';
import { killAll, processesOn } from '../support/processes.ts';
import { Started } from '../support/started.ts';
import { expectNothingLeft } from '../support/truth.ts';

// Starting as a person or a service manager does it, and what keeps it from opening.

const isRoot = process.getuid?.() === 0;
const playground = new Playground('startup');
afterEach(() => playground.clear());
afterAll(() => playground.remove());

test('of two starts on one data directory one opens; the other says why not, and the first goes on', async () => {
  const folder = playground.unused();
  const both = [await Started.in(folder), await Started.in(folder)];
  const children = both.map((one) => one.launch());
  await until('one has given up', () => children.some(({ exitCode }) => exitCode !== null), 40_000);
  const loserAt = children.findIndex(({ exitCode }) => exitCode !== null);
  const [winner, loser] = [both[1 - loserAt], both[loserAt]];
  if (!winner || !loser) throw new Error('There are two.');
  expect(await loser.ended()).toBe(1);
  expect(loser.output).toBe(
    `tutti could not start: Another process already runs the database in ${folder}; stop it first, or choose another data directory.\n`,
  );
  await until('the other is open', () => winner.isReady(), 40_000);
  const [fan] = await winner.fans(1);
  expect((await fan?.charge(100))?.status).toBe(201);
  expect(await winner.stop()).toBe(0);
  await expectNothingLeft(winner);
});

test('a port that is in use is told in a sentence, and nothing stays behind', async () => {
  const system = await Started.in(playground.unused());
  const other = createServer().listen(system.port, '127.0.0.1');
  try {
    system.launch();
    expect(await system.ended()).toBe(1);
    expect(system.output.split('\n').slice(-2)).toEqual([
      `tutti could not start: 127.0.0.1:${system.port} is in use: stop what listens there, or choose another PORT.`,
      '',
    ]);
    await expectNothingLeft(system);
  } finally {
    await new Promise((closed) => other.close(closed));
  }
});

test('whatever is wrong in the environment is told at once, in sentences, before anything is touched', async () => {
  const system = await Started.in(path.join(playground.folder, 'never'));
  system.launch({
    PORT: '99999',
    HOLD_SECONDS: 'soon',
    PARTNER_URL: 'ftp://fan:secret@partner.example',
    POINT_CHARGES: 'maybe',
    RATE_LIMITS: 'few',
    LOG_LEVEL: 'loud',
    CRASHPOINT: 'nowhere',
  });
  expect(await system.ended()).toBe(1);
  expect(system.output).toMatch(/^tutti could not start: [^\n]*\n$/);
  for (const fault of [
    'PORT must be a whole number from 0 to 65535, not "99999".',
    'HOLD_SECONDS must be a whole number from 1 to 86400, not "soon".',
    'PARTNER_URL must be an http or https address.',
    'POINT_CHARGES must be one of demo, off, not "maybe".',
    'RATE_LIMITS must be "off" or a list',
    'LOG_LEVEL must be one of',
    'CRASHPOINT must be the name of a crash point',
  ])
    expect(system.output).toContain(fault);
  expect(system.output).not.toContain('secret');
  expect(existsSync(system.dataDir)).toBe(false);
});

test('a data directory that cannot be had is told in a sentence', async () => {
  const file = path.join(playground.folder, 'file');
  writeFileSync(file, '');
  for (const [folder, problem] of [
    [file, 'is not a folder'],
    [path.join(file, 'below'), 'is not a folder'],
  ] as const) {
    const system = await Started.in(folder);
    system.launch();
    expect(await system.ended()).toBe(1);
    expect(system.output).toBe(`tutti could not start: The data directory ${folder} ${problem}.\n`);
  }
});

test('a data directory that is read-only is told in a sentence, and is opened again when it is not', async ({
  skip,
}) => {
  const folder = playground.unused();
  const problem = isRoot ? 'is on a read-only file system' : 'cannot be written by this user';
  const makeReadOnly = (): void => {
    if (isRoot) execFileSync('mount', ['-o', 'bind,remount,ro', folder]);
    else chmodSync(folder, 0o555);
  };
  const makeWritable = (): void => {
    if (isRoot) execFileSync('mount', ['-o', 'bind,remount,rw', folder]);
    else chmodSync(folder, 0o755);
  };
  // Modes do not hold root back.
  if (isRoot) playground.mount(skip, folder, ['--bind', folder]);
  const system = await Started.in(folder);
  makeReadOnly();
  system.launch();
  expect(await system.ended()).toBe(1);
  expect(system.output).toBe(`tutti could not start: The data directory ${folder} ${problem}.\n`);
  makeWritable();
  await system.start();
  expect(await system.stop()).toBe(0);
  makeReadOnly();
  system.launch();
  expect(await system.ended()).toBe(1);
  expect(system.output).toBe(`tutti could not start: The data directory ${folder} ${problem}.\n`);
  makeWritable();
  await expectNothingLeft(system);
});

test(
  'SIGTERM during the first start, at any moment: nothing is left, and the next start goes on',
  { timeout: 120_000 },
  async () => {
    const system = await Started.in(playground.unused());
    for (const afterMs of [50, 250, 500, 800, 1_200, 1_600, 2_000]) {
      const child = system.launch();
      await delay(afterMs);
      child.kill('SIGTERM');
      await until('it has ended', () => child.exitCode !== null || child.signalCode !== null, 20_000);
      // Before there is anything to end, the signal itself ends it.
      expect([0, 'SIGTERM'], system.output).toContain(child.signalCode ?? child.exitCode);
      await expectNothingLeft(system);
    }
    await system.start();
    expect(await system.stop()).toBe(0);
  },
);

test(
  'SIGKILL of everything during the first start, at any moment: the next start comes up',
  { timeout: 120_000 },
  async () => {
    const system = await Started.in(playground.unused());
    for (const afterMs of [100, 300, 500, 700, 900, 1_100, 1_300, 1_500]) {
      system.launch();
      await delay(afterMs);
      killAll(processesOn(system.dataDir).map(({ pid }) => pid));
      await until('everything is dead', () => processesOn(system.dataDir).length === 0);
    }
    await system.start();
    expect(await system.stop()).toBe(0);
    const strangers = readdirSync(system.dataDir).filter((name) => name.startsWith('postgres.new-'));
    expect(strangers).toEqual([]);
  },
);
