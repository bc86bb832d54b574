import { randomFrom, until } from '@tutti/kit/testing';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Crowd } from '../support/crowd.ts';
import { backAgain, replicasOf } from '../support/replicas.ts';
import { Started } from '../support/started.ts';
import { expectAllTrue, expectDrained, expectNothingLeft } from '../support/truth.ts';

// Two processes of every service behind the balancer, with fans who never stop.
let dataDir: string;
let system: Started;
const seed = Math.floor(Math.random() * 2 ** 31);
const random = randomFrom(seed);
const fansCount = 12;

beforeAll(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'tutti-cluster-'));
  await chmod(dataDir, 0o755);
  system = await Started.in(dataDir, { REPLICAS: '2', HOLD_SECONDS: '20' }, 'cluster');
  await system.start({}, 120_000);
});
afterAll(async () => {
  await system.killEverything();
  await rm(dataDir, { recursive: true, force: true });
});

async function crowdOf(size: number): Promise<Crowd> {
  const seats = await system.query<{ id: string }>('concert', 'select id from seat order by id limit 60');
  const crowd = new Crowd({ performanceId: 'rehearsal-1', seatIds: seats.map(({ id }) => id), random });
  crowd.send(await system.fans(size));
  return crowd;
}

const goesOn = async (crowd: Crowd): Promise<void> => {
  const before = crowd.answered.length;
  await until('the crowd gets answers', () => crowd.answered.length > before + 3 * fansCount, 60_000);
};

test(
  'a replica of each service killed under load: everything goes on, and everything told is true',
  { timeout: 240_000 },
  async () => {
    const crowd = await crowdOf(fansCount);
    await goesOn(crowd);
    for (const replica of replicasOf(system).filter(({ name }) => name.endsWith('-1'))) {
      const pid = replica.pid();
      process.kill(pid, 'SIGKILL');
      await goesOn(crowd);
      await backAgain(replica, pid);
    }
    await crowd.stop();
    expect(crowd.strange, `seed ${seed}`).toEqual([]);
    await expectDrained(system);
    await expectAllTrue(system, crowd, seed);
  },
);

const p99Of = (latenciesMs: readonly number[]): number =>
  latenciesMs.toSorted((a, b) => a - b)[Math.floor(latenciesMs.length * 0.99)] ?? 0;

test('a rolling restart of everything under load: no fan is told of it', { timeout: 240_000 }, async () => {
  const crowd = await crowdOf(fansCount);
  for (let time = 0; time < 10; time++) await goesOn(crowd);
  const told = [`p99 before: ${p99Of(crowd.latenciesMs)} ms`];
  for (const replica of replicasOf(system)) {
    const from = crowd.latenciesMs.length;
    const pid = replica.pid();
    process.kill(pid, 'SIGTERM');
    await backAgain(replica, pid);
    await goesOn(crowd);
    told.push(`${replica.name} left and came: ${p99Of(crowd.latenciesMs.slice(from))} ms`);
    expect(crowd.unserved, `${replica.name}, seed ${seed}`).toEqual([]);
  }
  await crowd.stop();
  // Figures for whoever reads them: no test asserts a time.
  process.stdout.write(`${told.join(', ')}\n`);
  expect(crowd.strange, `seed ${seed}`).toEqual([]);
  await expectDrained(system);
  await expectAllTrue(system, crowd, seed);
});

test('asked to stop, it stops in order and leaves nothing behind', { timeout: 90_000 }, async () => {
  expect(await system.stop()).toBe(0);
  await expectNothingLeft(system);
});
