import { until } from '@tutti/kit/testing';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { request } from '../support/client.ts';
import { Crowd, seeded } from '../support/crowd.ts';
import { isAlive, killAll, processesOn } from '../support/processes.ts';
import { Started } from '../support/started.ts';
import { expectAllTrue, expectDrained, expectNothingLeft, openSagas } from '../support/truth.ts';

// Starting and stopping as a person, a terminal or a service manager does it, and what goes wrong around it.

const isRoot = process.getuid?.() === 0;
const seed = Math.floor(Math.random() * 2 ** 31);
const random = seeded(seed);

// Everything is in here; every user may enter, because PostgreSQL runs as another one where the tests run as root.
const playground = mkdtempSync(path.join(tmpdir(), 'tutti-startup-'));
chmodSync(playground, 0o755);
const mounts: string[] = [];
/** Starting anew takes a second longer, so most tests follow each other on this one. */
let used: Started;

beforeAll(async () => {
  used = await Started.in(unused());
});

// What a test left when it failed.
afterEach(async () => {
  killAll(processesOn(playground).map(({ pid }) => pid));
  await until('nothing is left', () => processesOn(playground).length === 0);
});
afterAll(() => {
  for (const folder of mounts.splice(0)) execFileSync('umount', [folder]);
  rmSync(playground, { recursive: true, force: true });
});

function unused(): string {
  const folder = mkdtempSync(path.join(playground, 'data-'));
  chmodSync(folder, 0o755);
  return folder;
}

/** Gives a folder a file system of its own; where this user may not, the test is skipped. */
function mount(skip: (why: string) => void, folder: string, words: readonly string[]): void {
  try {
    execFileSync('mount', [...words, folder], { stdio: 'ignore' });
    mounts.push(folder);
  } catch {
    skip('only root may mount, and not in every container');
  }
}

/** A crowd that is at work: some of its answers have come. */
async function crowdAt(system: Started, fansCount = 10): Promise<Crowd> {
  const seats = await system.query<{ id: string }>(
    'concert',
    `select id from seat where status = 'available' order by id limit 60`,
  );
  const crowd = new Crowd({ performanceId: 'rehearsal-1', seatIds: seats.map(({ id }) => id), random });
  crowd.send(await system.fans(fansCount));
  await until('the crowd gets answers', () => crowd.answered.length > 3 * fansCount, 30_000);
  return crowd;
}

/** The crowd gets its answers from a system that runs again, and all that was ever answered is true. */
async function expectRecovered(system: Started, crowd: Crowd): Promise<void> {
  const before = crowd.answered.length;
  await until('the crowd gets answers again', () => crowd.answered.length > before + 20, 30_000);
  await crowd.stop();
  expect(crowd.strange, `seed ${seed}`).toEqual([]);
  await expectDrained(system);
  await expectAllTrue(system, crowd, seed);
}

// ── who may not start ───────────────────────────────────────────────────────────────────────────────────────────────

test('of two starts on one data directory one opens; the other says why not, and the first goes on', async () => {
  const folder = unused();
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
  const other = createServer().listen(used.port, '127.0.0.1');
  try {
    used.launch();
    expect(await used.ended()).toBe(1);
    expect(used.output.split('\n').slice(-2)).toEqual([
      `tutti could not start: 127.0.0.1:${used.port} is in use: stop what listens there, or choose another PORT.`,
      '',
    ]);
    await expectNothingLeft(used);
  } finally {
    await new Promise((closed) => other.close(closed));
  }
});

test('whatever is wrong in the environment is told at once, in sentences, before anything is touched', async () => {
  const system = await Started.in(path.join(playground, 'never'));
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
  const file = path.join(playground, 'file');
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
  const folder = unused();
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
  if (isRoot) mount(skip, folder, ['--bind', folder]);
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

// ── a full disk ─────────────────────────────────────────────────────────────────────────────────────────────────────

const smallDisk = (skip: (why: string) => void): string => {
  const folder = unused();
  mount(skip, folder, ['-t', 'tmpfs', '-o', 'size=220m,mode=755', 'tmpfs']);
  return folder;
};

/** Fills the disk but for this much. Returns how to free it again. */
function fill(folder: string, leaveKilobytes: number): () => void {
  const filler = path.join(folder, `filler-${randomUUID()}`);
  const free = execFileSync('df', ['--output=avail', '-k', folder], { encoding: 'utf8' }).split('\n')[1];
  const count = Math.max(0, Number(free) - leaveKilobytes);
  try {
    execFileSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=1k', `count=${count}`], { stdio: 'ignore' });
  } catch {
    // Somebody was faster with the last bytes.
  }
  return () => rmSync(filler);
}

test(
  'a full disk: nothing is lost, nobody is told a lie, and when there is room everything goes on',
  { timeout: 120_000 },
  async ({ skip }) => {
    const system = await Started.in(smallDisk(skip), { HOLD_SECONDS: '3' });
    await system.start();
    const crowd = await crowdAt(system);
    const [reader] = await system.fans(1);
    // Leaves segments of the database's log to be used again, so that it is the tables that cannot grow.
    await system.query('user', 'checkpoint');
    const free = fill(system.dataDir, 0);
    await until('nothing gets through', () => isStill(crowd), 30_000);
    // What only reads goes on, and so does the process; a sign-up is told to come back.
    expect((await reader?.get('/api/v1/reservations'))?.status).toBe(200);
    const account = { name: 'Late', email: 'late@fans.example', password: 'a long password of nobody' };
    const signUps = await Promise.all(
      Array.from({ length: 3 }, (_, at) =>
        request(system.address, 'POST', '/api/v1/users', {
          body: { ...account, email: `${at}${account.email}` },
        }),
      ),
    );
    for (const { status, headers } of signUps) {
      // A page of the table may have had room.
      expect([201, 503]).toContain(status);
      if (status === 503) expect(headers.get('retry-after')).not.toBeNull();
    }
    expect(crowd.strange).toEqual([]);
    free();
    await expectRecovered(system, crowd);
    expect(await system.stop()).toBe(0);
  },
);

test(
  'a disk too full for the log of the database: the process says so and leaves, and the next start finds everything',
  { timeout: 120_000 },
  async ({ skip }) => {
    const system = await Started.in(smallDisk(skip), { HOLD_SECONDS: '3' });
    await system.start();
    const crowd = await crowdAt(system);
    // Tables have room to grow, a further segment of the log has not.
    const free = fill(system.dataDir, 15_500);
    const useUpTheLog = () => system.query('user', 'select pg_switch_wal()').catch(() => undefined);
    await until('it has ended', () => useUpTheLog().then(() => !isAlive(system.pid)), 60_000);
    expect(await system.ended()).toBe(1);
    expect(system.output).toMatch(
      /PostgreSQL in \S+ is gone: [^\n]*No space left on device\. Start again; nothing accepted is lost\.\n/,
    );
    await expectNothingLeft(system);
    const full = fill(system.dataDir, 0);
    system.launch();
    expect(await system.ended()).toBe(1);
    expect(system.output).toMatch(
      /could not start: [^\n]*(is on a disk that is full|No space left on device)/,
    );
    full();
    free();
    await system.start();
    await expectRecovered(system, crowd);
    expect(await system.stop()).toBe(0);
  },
);

/** Resolves to whether nobody got an answer for a second. */
async function isStill(crowd: Crowd): Promise<boolean> {
  const before = crowd.answered.length;
  await delay(1_000);
  return crowd.answered.length === before;
}

// ── asked to stop ───────────────────────────────────────────────────────────────────────────────────────────────────

test('SIGTERM under load: it leaves with 0 and nothing behind, and the next start finds no saga to go on with', async () => {
  await used.start();
  const crowd = await crowdAt(used);
  const asked = Date.now();
  expect(await used.stop()).toBe(0);
  expect(Date.now() - asked).toBeLessThan(12_000);
  await expectNothingLeft(used, 2_000);
  await used.start();
  const [left] = await used.query<{ count: number }>(
    'orchestrator',
    `select count(*) as count from saga where status in ('running', 'compensating') and created_at < to_timestamp($1)`,
    [asked / 1_000],
  );
  expect(left?.count).toBe(0);
  await expectRecovered(used, crowd);
});

test('SIGTERM: a request that is under way is answered', async () => {
  await used.start();
  const fans = await used.fans(20);
  await Promise.all(fans.map((fan) => fan.charge(100)));
  const release = await used.holdingWallets(fans);
  const answers = fans.map((fan) => fan.charge(200));
  await until('all are under way', async () => (await openSagas(used)) === fans.length);
  const stopping = used.stop();
  await until('the door is closed', () =>
    request(used.address, 'GET', '/healthz').then(
      () => false,
      () => true,
    ),
  );
  await release();
  const releasedAt = Date.now();
  const statuses = (await Promise.all(answers)).map(({ status }) => status);
  expect(statuses).toEqual(fans.map(() => 201));
  expect(await stopping).toBe(0);
  // Their connections are kept alive by the clients and must not be waited for.
  expect(Date.now() - releasedAt).toBeLessThan(5_000);
  await expectNothingLeft(used, 2_000);
});

test(
  'SIGTERM while a database does not answer: it leaves all the same, and the next start ends what was begun',
  { timeout: 90_000 },
  async () => {
    await used.start({ DRAIN_SECONDS: '1' });
    const [fan] = await used.fans(1);
    if (!fan) throw new Error('There is no fan.');
    await fan.charge(100);
    const release = await used.holdingWallets([fan]);
    const key = 'while-nothing-answers';
    const answer = fan.charge(200, key).catch(() => undefined);
    await until('it is under way', async () => (await openSagas(used)) === 1);
    expect(await used.stop()).toBe(0);
    await release().catch(() => undefined);
    expect((await answer)?.status ?? 202).toBe(202);
    await expectNothingLeft(used, 2_000);
    await used.start();
    await until('it is answered', async () => (await fan.charge(200, key)).status === 201, 30_000);
    expect(await fan.balance()).toBe(300);
    expect(await used.stop()).toBe(0);
  },
);

test(
  'SIGTERM during the first start, at any moment: nothing is left, and the next start goes on',
  { timeout: 120_000 },
  async () => {
    const system = await Started.in(unused());
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

// ── killed ──────────────────────────────────────────────────────────────────────────────────────────────────────────

test(
  'SIGKILL of everything during the first start, at any moment: the next start comes up',
  { timeout: 120_000 },
  async () => {
    const system = await Started.in(unused());
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

test(
  'when PostgreSQL alone is killed the process says so and leaves with 1; the next start goes on',
  { timeout: 120_000 },
  async () => {
    await used.start();
    const crowd = await crowdAt(used);
    const killedAt = Date.now();
    process.kill(used.postmaster, 'SIGKILL');
    expect(await used.ended(40_000)).toBe(1);
    expect(Date.now() - killedAt).toBeLessThan(30_000);
    expect(used.output).toMatch(
      /PostgreSQL in \S+ is gone: it was ended by SIGKILL\. Start again; nothing accepted is lost\.\n$/,
    );
    await expectNothingLeft(used);
    await used.start();
    await expectRecovered(used, crowd);
    expect(await used.stop()).toBe(0);
  },
);

const npmStart = ['npm', 'start', '--silent', '--no-update-notifier'] as const;

test.each([
  { whom: 'npm', isIt: (command: string) => command.startsWith('npm ') },
  { whom: 'run.mjs', isIt: (command: string) => /run\.mjs standalone/.test(command) },
  {
    whom: 'the server',
    isIt: (command: string) => command.endsWith('standalone/src/main.ts') && !/run\.mjs/.test(command),
  },
])(
  'kill -9 of $whom, started by npm: nothing stays on the port, and the next start goes on',
  { timeout: 120_000 },
  async ({ isIt }) => {
    const child = used.launch({}, npmStart);
    await until(`it is ready; it said ${used.output}`, () => used.isReady(), 40_000);
    const crowd = await crowdAt(used);
    const killed = processesOn(used.dataDir).filter(({ command }) => isIt(command));
    expect(killed.length, JSON.stringify(processesOn(used.dataDir))).toBe(1);
    killAll(killed.map(({ pid }) => pid));
    await until('npm has ended', () => !isAlive(child.pid ?? 0), 30_000);
    await expectNothingLeft(used, 30_000);
    await used.start();
    await expectRecovered(used, crowd);
    expect(await used.stop()).toBe(0);
  },
);
