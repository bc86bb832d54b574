import { until } from '@tutti/kit/testing';
import type { Arena } from '../../support/arena.ts';
import { field, list } from '../../support/client.ts';
import type { Fault, Scene } from '../fault.ts';
import { serverOf } from './databases.ts';
import { restartWith } from './restarting.ts';

const nextBuild = { NODE_OPTIONS: `--import ${new URL('next-build.fixture.ts', import.meta.url).href}` };
const [one, two] = ['orchestrator-1', 'orchestrator-2'];

const ended = async (arena: Arena, version: number): Promise<number> => {
  const sql = `select count(*) as n from saga where name = 'pay-reservation' and version = $1 and status = 'succeeded'`;
  return (await arena.query<{ n: number }>('orchestrator', sql, [version]))[0]?.n ?? 0;
};

const openOf = async (arena: Arena, version: number): Promise<number> => {
  const sql = `select count(*) as n from saga where name = 'pay-reservation' and version = $1 and ended_at is null`;
  return (await arena.query<{ n: number }>('orchestrator', sql, [version]))[0]?.n ?? 0;
};

/** What a replica says of sagas that another build has to finish: at `/readyz`, where it stays ready, and as a metric. */
async function othersToldBy(arena: Arena, name: string): Promise<{ readyz: number; metric: number }> {
  const door = `http://127.0.0.1:${arena.replica(name).healthPort}`;
  const readyz = await fetch(`${door}/readyz`);
  if (readyz.status !== 200) throw new Error(`${name} is not ready because of sagas of another build`);
  const told = list(await readyz.json(), 'sagasOfOtherBuilds').filter((item) => field(item, 'version') === 2);
  const page = await (await fetch(`${door}/metrics`)).text();
  const [, value = '0'] = /^tutti_sagas_of_other_builds\{.*version="2".*\} (\d+)$/m.exec(page) ?? [];
  return { readyz: Number(field(told[0] ?? {}, 'open') ?? 0), metric: Number(value) };
}

/** Both versions are begun and finished, each where it is known. */
async function bothEnd({ arena, count }: Scene): Promise<void> {
  const before = await Promise.all([ended(arena, 1), ended(arena, 2)]);
  const grown = async () => {
    const now = await Promise.all([ended(arena, 1), ended(arena, 2)]);
    return now.every((number, at) => number > (before[at] ?? 0) + 3);
  };
  await until('sagas of both versions succeed', grown, 120_000);
  count('sagas of two versions ended side by side');
}

/** The next build dies over its sagas, and the one before it is all there is: a rollback that nobody prepared. */
async function rollBack(scene: Scene): Promise<void> {
  const { arena, count } = scene;
  // The points are somewhere else for a moment: sagas that are under way stay so.
  const passages = ['payment-1', 'payment-2'].map((name) => arena.passage(name, 'postgres'));
  for (const passage of passages) passage.cut('there', 'back');
  await until('sagas of the next build are under way', async () => (await openOf(arena, 2)) > 0, 120_000);
  // Both at once: one of them alone might take long to be back, and the other would end what is open.
  await Promise.all([one, two].map((name) => restartWith(arena, name, undefined, 'by SIGKILL')));
  for (const passage of passages) passage.heal();
  const orphans = await openOf(arena, 2);
  // They ended before they could be orphans: that there never are any fails the run.
  if (orphans === 0) return;
  await until('both tell of sagas that another build has to finish', async () => {
    const told = await Promise.all([one, two].map((name) => othersToldBy(arena, name)));
    return told.every(({ readyz, metric }) => readyz === orphans && metric === orphans);
  });
  count('sagas left to another build', orphans);
  const before = await ended(arena, 1);
  await until('the build before pays', async () => (await ended(arena, 1)) > before + 3, 120_000);
  if ((await openOf(arena, 2)) !== orphans) throw new Error('A build ended sagas that it does not know.');
}

export const rollingUpgrade: Fault = {
  name: 'a rolling upgrade and back',
  promise:
    'sagas of both versions are in flight; each build drives what it knows and tells what it does not; nothing is lost',
  targets: ['orchestrator'],
  evidence: [
    'sagas of two versions ended side by side',
    'sagas left to another build',
    'sagas of a version ended later',
  ],
  touches: () => [
    one,
    two,
    'nats-server',
    serverOf('orchestrator'),
    serverOf('payment'),
    'payment-1',
    'payment-2',
  ],
  seconds: { alone: 5, chaos: 3 },
  isLong: true,
  strike: async (scene) => {
    const { arena, count, pause } = scene;
    await restartWith(arena, one, nextBuild);
    await bothEnd(scene);
    await restartWith(arena, two, nextBuild);
    await pause(2_000);
    await rollBack(scene);
    const orphans = await openOf(arena, 2);
    return async () => {
      await restartWith(arena, one, nextBuild);
      const isOver = async () => orphans === 0 || (await openOf(arena, 2)) < orphans;
      await until('what was left is ended', isOver, 120_000);
      await bothEnd(scene);
      count('sagas of a version ended later', orphans);
      // In order: it ends what it began, and is not missed.
      await restartWith(arena, one, undefined);
      if ((await openOf(arena, 2)) > 0) {
        await restartWith(arena, one, nextBuild);
        await until('the last of them end', async () => (await openOf(arena, 2)) === 0, 120_000);
        await restartWith(arena, one, undefined);
      }
    };
  },
};
