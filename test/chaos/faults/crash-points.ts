import { nameOf, onBus, type ServiceOnBus as Service } from '@tutti/cluster/topology';
import { crashPoints, uuidv7 } from '@tutti/kit/service';
import { until } from '@tutti/kit/testing';
import type { Arena } from '../../support/arena.ts';
import { isAlive } from '../../support/processes.ts';
import { backAgain } from '../../support/replicas.ts';
import type { Fault, Scene } from '../fault.ts';

const participants = ['concert', 'payment', 'partner'] as const;

/** Whose process comes to a point. Those of a season's loading are not a service's: test/faults/crash-points.test.ts dies there. */
const owners: readonly (readonly [prefix: string, owners: readonly Service[]])[] = [
  ['participant.before-commit', participants],
  ['participant.after-commit', participants],
  ['participant.after-send', ['user', ...participants]],
  ['participant.before-undo', ['concert']],
  ['participant.after-undo', ['concert']],
  ['participant.before-settle', ['concert', 'payment']],
  ['participant.after-settle', ['concert', 'payment']],
  ['saga.', ['orchestrator']],
  ['gateway.', ['gateway']],
  ['deliverer.', ['partner']],
  ['stub.', ['partner']],
  ['expirer.', ['concert']],
  ['queue.', onBus],
  ['season.', []],
];

type Cell = { readonly service: Service; readonly point: string };

const cells: readonly Cell[] = Object.keys(crashPoints).flatMap((point) => {
  const found = owners.find(([prefix]) => point.startsWith(prefix));
  if (!found) throw new Error(`Nobody is known to come to the crash point ${point}.`);
  return found[1].map((service) => ({ service, point }));
});
const titleOf = ({ service, point }: Cell): string => `${service}/${point}`;
const diedAt = (cell: Cell): string => `died at ${titleOf(cell)}`;
/** Only one of the replicas comes to these, and which one is its lease's to say. */
const hasOneOwner = ({ point }: Cell): boolean => point.startsWith('expirer.');

const namesOf = (service: Service): string[] => [1, 2].map((number) => nameOf({ service, number }));

/** Kills what a replica is now and starts it with this environment for once. */
async function startWith(arena: Arena, name: string, env: Readonly<Record<string, string>>): Promise<number> {
  const keeper = arena.cluster.keepers.get(name);
  if (!keeper) throw new Error(`Nothing keeps ${name}.`);
  const replica = arena.replica(name);
  const before = replica.pid();
  if (before > 0) process.kill(before, 'SIGKILL');
  await keeper.stop();
  arena.extraEnvironment.set(name, env);
  keeper.start();
  // Asked for while it was being started; whoever starts it after its death is to start it sound.
  arena.extraEnvironment.delete(name);
  await until(`${name} was started`, () => replica.pid() > 0);
  return replica.pid();
}

/**
 * Sagas of a driver that is gone, for fans who are gone, soon at their deadline: their rows are taken over, and only the pivot's
 * journal can say whether it took place (`settle`).
 */
async function leaveOrphans(arena: Arena): Promise<void> {
  const orphan = (name: string, input: object) => ({ id: uuidv7(), name, fan: uuidv7(), input });
  const userId = uuidv7();
  const orphans = [
    orphan('charge-points', { userId, amount: 100 }),
    orphan('reserve-seats', { userId, performanceId: 'rehearsal-1', seatIds: ['none'] }),
  ];
  await arena.query(
    'orchestrator',
    `insert into saga (id, name, version, fan, route, key, fingerprint, input, trace_id, owner, deadline_at)
     select id, name, 1, fan, 'POST /orphans', 'key', 'none', input, 'none', 'gone', now() + interval '1 second'
     from json_to_recordset($1::json) as o(id uuid, name text, fan text, input json)`,
    [JSON.stringify(orphans)],
  );
}

const needsOrphans = ({ point }: Cell): boolean => /settle$|take-over$/.test(point);
const orphansEveryMs = 700;
const reachedMsMax = 60_000;

const triesMost = 6;

/**
 * Resolves when one of these has died exactly there, as its last word says. A process that is started while all those it needs are
 * dead ends by itself: then it is started once more.
 */
async function dieAt(scene: Scene, cell: Cell, names: readonly string[]): Promise<void> {
  const { arena, count } = scene;
  const said: string[] = [];
  const hear = (line: string) => {
    if (/"level":(60|"fatal")/.test(line)) said.push(line);
  };
  arena.listeners.add(hear);
  try {
    for (let attempt = 1; ; attempt++) {
      const pids: number[] = [];
      for (const name of names) pids.push(await startWith(arena, name, { CRASHPOINT: cell.point }));
      const dead = await firstDeath(arena, cell, pids);
      const lastWord = `"msg":"dies at ${cell.point}","pid":${dead}}`;
      const isSaid = () => said.some((line) => line.includes(lastWord));
      const hasDied = await until(`it died at ${titleOf(cell)}`, isSaid, 2_000).then(
        () => true,
        () => false,
      );
      if (!hasDied && attempt === triesMost)
        throw new Error(`No process died at ${titleOf(cell)}. It was said: ${said.slice(-8).join(' ')}`);
      if (!hasDied) continue;
      count(diedAt(cell));
      // Whoever else was told to die there is not.
      for (const [at, name] of names.entries()) if (isAlive(pids[at] ?? 0)) await startWith(arena, name, {});
      return;
    }
  } finally {
    arena.listeners.delete(hear);
  }
}

async function firstDeath(arena: Arena, cell: Cell, pids: readonly number[]): Promise<number> {
  let orphansAt = 0;
  await until(
    `a process dies at ${titleOf(cell)}`,
    async () => {
      if (needsOrphans(cell) && Date.now() > orphansAt) {
        orphansAt = Date.now() + orphansEveryMs;
        await leaveOrphans(arena);
      }
      return pids.some((pid) => !isAlive(pid));
    },
    reachedMsMax,
  );
  return pids.find((pid) => !isAlive(pid)) ?? 0;
}

const seconds = { alone: 3, chaos: 2 };

export const crashPoint: Fault = {
  name: 'crash point',
  promise: 'A process may die anywhere between a message, a commit, an answer and an acknowledgement.',
  targets: cells.map(titleOf),
  evidence: ['a process died at a crash point'],
  touches: (target) => {
    const [service = ''] = target.split('/');
    return onBus.filter((one) => one === service).flatMap(namesOf);
  },
  seconds,
  strike: async (scene, target) => {
    const cell = cells.find((one) => titleOf(one) === target);
    if (!cell) throw new Error(`There is no crash point ${target}.`);
    const both = namesOf(cell.service);
    const names = hasOneOwner(cell) ? both : both.slice(scene.random() < 0.5 ? 1 : 0).slice(0, 1);
    await dieAt(scene, cell, names);
    scene.count('a process died at a crash point');
    return async () => {
      for (const name of both) await backAgain(scene.arena.replica(name), 0);
    };
  },
};

/** Every replica goes through its half of its service's points, all of them at the same time. */
export const everyCrashPoint: Fault = {
  name: 'every crash point',
  promise: crashPoint.promise,
  targets: ['cluster'],
  evidence: cells.map(diedAt),
  touches: () => onBus.flatMap(namesOf),
  seconds,
  strike: async (scene) => {
    const shared = cells.filter((cell) => !hasOneOwner(cell));
    await Promise.all(
      onBus.flatMap((service) =>
        namesOf(service).map(async (name, lane) => {
          const mine = shared.filter((cell) => cell.service === service).filter((_, at) => at % 2 === lane);
          for (const cell of mine) await dieAt(scene, cell, [name]);
        }),
      ),
    );
    for (const cell of cells.filter(hasOneOwner)) await dieAt(scene, cell, namesOf(cell.service));
    return async () => {
      for (const replica of scene.arena.replicas) await backAgain(replica, 0);
    };
  },
};
