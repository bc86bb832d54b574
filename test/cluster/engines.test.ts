import { randomFrom, until } from '@tutti/kit/testing';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Crowd } from '../support/crowd.ts';
import { processTree } from '../support/processes.ts';
import { replicasOf } from '../support/replicas.ts';
import { Started } from '../support/started.ts';
import { expectAllTrue, expectDrained } from '../support/truth.ts';

// What stands beside the services goes away under load. The bus delivers; the databases remember.
let dataDir: string;
let system: Started;
let crowd: Crowd;
const seed = Math.floor(Math.random() * 2 ** 31);
const random = randomFrom(seed);
const fansCount = 12;

beforeAll(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'tutti-engines-'));
  await chmod(dataDir, 0o755);
  system = await Started.in(dataDir, { REPLICAS: '2', HOLD_SECONDS: '20' }, 'cluster');
  await system.start({}, 120_000);
});
afterAll(async () => {
  await system.killEverything();
  await rm(dataDir, { recursive: true, force: true });
});

beforeEach(async () => {
  const seats = await system.query<{ id: string }>('concert', 'select id from seat order by id limit 60');
  crowd = new Crowd({ performanceId: 'rehearsal-1', seatIds: seats.map(({ id }) => id), random });
  crowd.send(await system.fans(fansCount));
  await goesOn();
});
afterEach(async () => {
  await crowd.stop();
  expect(crowd.strange, `seed ${seed}`).toEqual([]);
  await expectDrained(system);
  await expectAllTrue(system, crowd, seed);
}, 120_000);

const goesOn = async (): Promise<void> => {
  const before = crowd.answered.length;
  await until('the crowd gets answers', () => crowd.answered.length > before + 3 * fansCount, 60_000);
};

/** The processes of this program below the cluster. */
const named = (program: string): number[] =>
  processTree(system.pid).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === program;
    } catch {
      return false;
    }
  });

async function kill(program: string): Promise<void> {
  const before = named(program);
  expect(before.length, program).toBeGreaterThan(0);
  for (const pid of before) process.kill(pid, 'SIGKILL');
  const isBack = () => named(program).some((pid) => !before.includes(pid));
  await until(`${program} was started again`, isBack, 30_000);
}

test('the message queue is killed, twice', { timeout: 240_000 }, async () => {
  for (let time = 0; time < 2; time++) {
    await kill('nats-server');
    await goesOn();
  }
});

test('the message queue loses everything it stored', { timeout: 240_000 }, async () => {
  const [pid = 0] = named('nats-server');
  // Stopped first, so that nothing is written between the two.
  process.kill(pid, 'SIGSTOP');
  await rm(path.join(dataDir, 'nats/store'), { recursive: true, force: true });
  await kill('nats-server');
  await goesOn();
});

test('Redis is killed', { timeout: 240_000 }, async () => {
  await kill('redis-server');
  await goesOn();
});

test('the balancer is killed', { timeout: 240_000 }, async () => {
  await kill('haproxy');
  await goesOn();
});

test(
  'a driver sleeps for three times its lease, and wakes to find its sagas driven by another',
  { timeout: 240_000 },
  async () => {
    const sleeper = replicasOf(system).find(({ name }) => name === 'orchestrator-1');
    const pid = sleeper?.pid() ?? 0;
    process.kill(pid, 'SIGSTOP');
    const asleepUntil = Date.now() + 15_000;
    await goesOn();
    await until('it has slept long enough', () => Date.now() > asleepUntil, 20_000);
    process.kill(pid, 'SIGCONT');
    await goesOn();
    expect(sleeper?.pid(), 'it lives on').toBe(pid);
  },
);
