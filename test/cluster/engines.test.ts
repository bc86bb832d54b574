import { randomFrom, until } from '@tutti/kit/testing';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Crowd } from '../support/crowd.ts';
import { processesNamed } from '../support/processes.ts';
import { Started } from '../support/started.ts';
import { expectAllTrue, expectDrained } from '../support/truth.ts';

// Redis goes away under load; test/chaos/ has the other engines.
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

async function kill(program: string): Promise<void> {
  const before = processesNamed(system.pid, program);
  expect(before.length, program).toBeGreaterThan(0);
  for (const pid of before) process.kill(pid, 'SIGKILL');
  const isBack = () => processesNamed(system.pid, program).some((pid) => !before.includes(pid));
  await until(`${program} was started again`, isBack, 30_000);
}

test('Redis is killed', { timeout: 240_000 }, async () => {
  await kill('redis-server');
  await goesOn();
});
