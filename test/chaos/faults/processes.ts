import { nameOf, services, type Service } from '@tutti/cluster/topology';
import { until } from '@tutti/kit/testing';
import { processesNamed } from '../../support/processes.ts';
import { backAgain, isReady, metricsOf, runningPid, type ReplicaProcess } from '../../support/replicas.ts';
import type { Fault, Heal, Scene } from '../fault.ts';

const namesOf = (service: Service): string[] => [1, 2].map((number) => nameOf({ service, number }));
const drivers = namesOf('orchestrator');
const replicaNames = services.flatMap(namesOf);

/** Three times the lease of a driver, and of whoever ends holds. */
const longSleepMs = 16_000;
/** A claim of the deliverer's ends after 30 s; what another claimed then is sent a moment later. */
const deliverersSleepMs = 40_000;

/** Resolves when so long has passed since `from`, whether or not the run is being stopped: a shorter sleep would prove nothing. */
const slept = (from: number, ms: number): Promise<void> =>
  new Promise((done) => setTimeout(done, Math.max(0, from + ms - Date.now())));

/** It wakes as the process it was. */
async function wake(replica: ReplicaProcess, pid: number): Promise<void> {
  process.kill(pid, 'SIGCONT');
  await until(`${replica.name} is ready again`, () => isReady(replica), 60_000);
  if (replica.pid() !== pid) throw new Error(`${replica.name} did not wake: it is another process now.`);
}

const killing = (name: string, targets: readonly string[], evidence: string): Fault => ({
  name,
  promise: 'Its work is taken over or asked for again; it is back and ready by itself.',
  targets,
  evidence: [evidence],
  touches: (target) => [target],
  seconds: { alone: 5, chaos: 3 },
  strike: async ({ arena, count }, target) => {
    const replica = arena.replica(target);
    const pid = await runningPid(replica);
    process.kill(pid, 'SIGKILL');
    count(evidence);
    return () => backAgain(replica, pid);
  },
});

export const killed = killing(
  'killed',
  replicaNames.filter((name) => !drivers.includes(name)),
  'a replica was killed',
);
export const driverKilled = killing('driver killed', drivers, 'a driver was killed');

export const gatewaysKilled: Fault = {
  name: 'every gateway killed',
  promise: 'The balancer tells fans in the API’s words to come again; the same key finds what became of it.',
  targets: ['gateway'],
  evidence: ['every gateway was killed'],
  touches: () => namesOf('gateway'),
  seconds: { alone: 5, chaos: 2 },
  strike: async ({ arena, count }) => {
    const gateways = namesOf('gateway').map((name) => arena.replica(name));
    const pids = await Promise.all(gateways.map(runningPid));
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    count('every gateway was killed');
    return async () => {
      await Promise.all(gateways.map((gateway, at) => backAgain(gateway, pids[at] ?? 0)));
    };
  },
};

export const balancerKilled: Fault = {
  name: 'balancer killed',
  promise: 'Fans whose connection broke ask again with the same key and get the same answer.',
  targets: ['haproxy'],
  evidence: ['the balancer was killed'],
  touches: () => ['haproxy'],
  seconds: { alone: 5, chaos: 2 },
  strike: async ({ arena, count }) => {
    const before = processesNamed(arena.pid, 'haproxy');
    for (const pid of before) process.kill(pid, 'SIGKILL');
    count('the balancer was killed', before.length);
    return () => until('the balancer lets fans in', () => arena.isReady(), 30_000);
  },
};

/** Stopped in the middle of anything: what it held waits with it. */
export const asleep: Fault = {
  name: 'asleep',
  promise: 'Others do its work; when it wakes it goes on as one of them.',
  targets: replicaNames.filter((name) => !drivers.includes(name)),
  evidence: ['a replica slept'],
  touches: (target) => [target],
  seconds: { alone: 16, chaos: 8 },
  strike: async ({ arena, count }, target) => {
    const replica = arena.replica(target);
    const pid = await runningPid(replica);
    process.kill(pid, 'SIGSTOP');
    count('a replica slept');
    return () => wake(replica, pid);
  },
};

const staleWritesOf = async (replica: ReplicaProcess): Promise<number> => {
  const { series, value } = await metricsOf(replica);
  return series
    .filter((one) => one.startsWith('tutti_saga_stale_writes_total'))
    .reduce((sum, one) => sum + value(one), 0);
};

/** Stops it at a moment when it drives something: rows stay open that nobody goes on with. */
async function stopWhileDriving({ arena }: Scene, pid: number): Promise<void> {
  const left = () =>
    arena.query<{ id: string }>(
      'orchestrator',
      `select id from saga where status = 'running' and created_at < clock_timestamp() - interval '400 milliseconds'`,
    );
  await until(
    'a driver was stopped while it drove something',
    async () => {
      process.kill(pid, 'SIGSTOP');
      await slept(Date.now(), 600);
      if ((await left()).length > 0) return true;
      process.kill(pid, 'SIGCONT');
      return false;
    },
    60_000,
  );
}

export const driverAsleep: Fault = {
  name: 'driver asleep',
  promise: 'Its sagas are driven by the other; what it writes when it wakes is refused by their epoch.',
  targets: drivers,
  evidence: ['a driver slept for three times its lease', 'late writes of a driver were refused'],
  touches: (target) => [target],
  seconds: { alone: 16, chaos: 16 },
  isLong: true,
  strike: async (scene, target) => {
    const replica = scene.arena.replica(target);
    const pid = await runningPid(replica);
    const before = await staleWritesOf(replica);
    await stopWhileDriving(scene, pid);
    const from = Date.now();
    return async () => {
      await slept(from, longSleepMs);
      scene.count('a driver slept for three times its lease');
      await wake(replica, pid);
      const refused = async () => (await staleWritesOf(replica)) - before;
      // Others may have ended all that it drove, if more is broken just then: that it never happens fails the run.
      await until('what it wrote late was refused', async () => (await refused()) > 0, 20_000).catch(
        () => {},
      );
      scene.count('late writes of a driver were refused', await refused());
    };
  },
};

type Hold = {
  /** The statement before which it falls asleep, as it stands on the wire. */
  readonly before: string;
  readonly sleepMs: number;
  /** What PostgreSQL answers to a statement that came too late. */
  readonly refusal: string;
  readonly refused: string;
};

/**
 * A process falls asleep right before one statement leaves it, and that statement arrives when it wakes: by then another has
 * done the work. No luck is needed to meet the moment between looking and writing.
 */
async function sleepBefore(scene: Scene, replica: ReplicaProcess, hold: Hold): Promise<Heal> {
  const pid = await runningPid(replica);
  const passage = scene.arena.passage(replica.name, 'postgres');
  let letGo: (() => void) | undefined;
  let isRefused = false;
  passage.tamper = () => {
    // What this connection sends after the statement stays behind it; all others go on.
    let held: (() => void)[] | undefined;
    let isLetGo = false;
    return {
      there: (chunk, pass) => {
        if (held) return void held.push(() => pass(chunk));
        if (letGo || !chunk.includes(hold.before)) return pass(chunk);
        process.kill(pid, 'SIGSTOP');
        const behind = (held = [() => pass(chunk)]);
        letGo = () => {
          isLetGo = true;
          held = undefined;
          for (const send of behind) send();
        };
      },
      back: (chunk, pass) => {
        isRefused ||= isLetGo && chunk.includes(hold.refusal);
        pass(chunk);
      },
    };
  };
  passage.break();
  await until(`${replica.name} falls asleep before ${hold.before}`, () => letGo !== undefined, 60_000);
  const from = Date.now();
  return async () => {
    await slept(from, hold.sleepMs);
    letGo?.();
    try {
      // Before it wakes: the first thing it does then is to give up a connection that was silent for so long.
      await until(`the late ${hold.before} is refused`, () => isRefused, 20_000);
      scene.count(hold.refused);
    } finally {
      await wake(replica, pid);
      passage.tamper = undefined;
      passage.break();
    }
  };
}

/** Which of these has the lease, as they tell themselves. */
async function holderOf(replicas: readonly ReplicaProcess[], lease: string): Promise<ReplicaProcess> {
  let holder: ReplicaProcess | undefined;
  const isHeldBy = (replica: ReplicaProcess) =>
    metricsOf(replica).then(
      ({ value }) => value(`tutti_lease_held{lease="${lease}"}`) === 1,
      () => false,
    );
  await until(
    `somebody has the lease ${lease}`,
    async () => {
      for (const replica of replicas) if (await isHeldBy(replica)) holder = replica;
      return holder !== undefined;
    },
    60_000,
  );
  if (!holder) throw new Error(`Nobody has the lease ${lease}.`);
  return holder;
}

const touchedBy = (service: Service): string[] => [
  `postgres of ${service}`,
  ...namesOf(service).flatMap((name) => [name, `the ways of ${name}`]),
];

export const expirerAsleep: Fault = {
  name: 'expirer asleep',
  promise: 'Another ends the holds in time; the late statement of the one before is refused by its fence.',
  targets: ['concert'],
  evidence: ['a late end of holds was refused'],
  touches: () => touchedBy('concert'),
  seconds: { alone: 16, chaos: 16 },
  isLong: true,
  strike: async (scene) => {
    const replicas = scene.arena.replicas.filter(({ service }) => service === 'concert');
    return sleepBefore(scene, await holderOf(replicas, 'expire-holds'), {
      before: 'expire_holds',
      sleepMs: longSleepMs,
      refusal: 'TU001',
      refused: 'a late end of holds was refused',
    });
  },
};

export const delivererAsleep: Fault = {
  name: 'deliverer asleep',
  promise: 'The delivery it did not note is sent again under the same id; its late note changes nothing.',
  targets: namesOf('partner'),
  evidence: ['a late note of a delivery changed nothing', 'the partner was told twice under one id'],
  touches: () => touchedBy('partner'),
  seconds: { alone: 40, chaos: 40 },
  isLong: true,
  strike: async (scene, target) => {
    const twice = async () =>
      (await scene.arena.query('partner', 'select id from stub_receipt where times > 1')).length;
    const before = await twice();
    const heal = await sleepBefore(scene, scene.arena.replica(target), {
      before: 'mark_delivered',
      sleepMs: deliverersSleepMs,
      refusal: 'UPDATE 0',
      refused: 'a late note of a delivery changed nothing',
    });
    return async () => {
      await heal();
      scene.count('the partner was told twice under one id', (await twice()) - before);
    };
  },
};

export const processFaults: readonly Fault[] = [
  killed,
  driverKilled,
  gatewaysKilled,
  balancerKilled,
  asleep,
  driverAsleep,
  expirerAsleep,
  delivererAsleep,
];
