import { onBus } from '@tutti/cluster/topology';
import { until } from '@tutti/kit/testing';
import { cp, rename, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import type { Arena } from '../../support/arena.ts';
import { processesNamed } from '../../support/processes.ts';
import { hasQueue } from '../../support/replicas.ts';
import { evidenceMsMax, type Fault } from '../fault.ts';

const program = 'nats-server';
const touches = () => [program, ...onBus.map((service) => `queue of ${service}`)];
const targets = [program];
/** How long sagas go on between a copy of the store and its return: what is in it by then is long done. */
const copyAgesMs = 3_000;

const storeOf = ({ dataDir }: Arena): string => path.join(dataDir, 'nats', 'store');

function keeperOf({ cluster }: Arena) {
  const keeper = cluster.keepers.get(program);
  if (!keeper) throw new Error('This cluster has no message queue of its own.');
  return keeper;
}

function pidOf({ pid }: Arena): number {
  const [found] = processesNamed(pid, program);
  if (found === undefined) throw new Error('The message queue does not run.');
  return found;
}

/** By the port that its own file names: it may be up long before anybody has found it again. */
async function isListening(arena: Arena): Promise<void> {
  const { target } = arena.passage('user-1', 'nats');
  const accepts = () =>
    new Promise<boolean>((done) => {
      if (!target) return done(false);
      const socket = connect(target);
      const end = (isOpen: boolean) => {
        socket.destroy();
        done(isOpen);
      };
      socket.once('connect', () => end(true));
      socket.once('error', () => end(false));
    });
  await until('the message queue listens', accepts, 30_000);
}

/** Every replica that runs says whether the queue is there for it, by the end of its patience with a silent one. */
async function toldByAll(arena: Arena, isThere: boolean): Promise<void> {
  for (const replica of arena.replicas.filter(({ service }) => onBus.some((one) => one === service)))
    await until(
      `${replica.name} says that the queue is ${isThere ? 'up' : 'down'}`,
      async () => replica.pid() === 0 || (await hasQueue(replica).catch(() => isThere)) === isThere,
      30_000,
    );
}

const promise = 'What it forgot is asked for again; no saga is lost, none has its effect twice.';

export const queueKilled: Fault = {
  name: 'queue killed',
  promise,
  targets,
  evidence: ['the queue was killed'],
  touches,
  seconds: { alone: 5, chaos: 3 },
  strike: async ({ arena, count }) => {
    const pid = pidOf(arena);
    process.kill(pid, 'SIGKILL');
    count('the queue was killed');
    return async () => {
      await until('it is another process', () => !processesNamed(arena.pid, program).includes(pid), 30_000);
      await isListening(arena);
    };
  },
};

export const queueStopped: Fault = {
  name: 'queue stopped',
  promise: 'Fans are told to come again until it is back; nothing that was accepted is lost.',
  targets,
  evidence: ['the queue was stopped and started'],
  touches,
  seconds: { alone: 60, chaos: 8 },
  strike: async ({ arena, count }) => {
    const keeper = keeperOf(arena);
    await keeper.stop();
    await toldByAll(arena, false);
    return async () => {
      keeper.start();
      await isListening(arena);
      await toldByAll(arena, true);
      count('the queue was stopped and started');
    };
  },
};

export const queueFrozen: Fault = {
  name: 'queue frozen',
  promise: 'Nobody waits for ever on a queue that accepts connections and says nothing.',
  targets,
  evidence: ['the queue was frozen'],
  touches,
  seconds: { alone: 60, chaos: 8 },
  strike: async ({ arena, count }) => {
    const pid = pidOf(arena);
    process.kill(pid, 'SIGSTOP');
    count('the queue was frozen');
    return async () => {
      process.kill(pid, 'SIGCONT');
      await isListening(arena);
      await toldByAll(arena, true);
    };
  },
};

export const queueRolledBack: Fault = {
  name: 'queue rolled back',
  promise: 'Messages that were done come again and change nothing; those it forgot are asked for again.',
  targets,
  evidence: ['the store of the queue was an older one'],
  touches,
  seconds: { alone: 5, chaos: 3 },
  strike: async ({ arena, crowd, count, pause }) => {
    const [keeper, store] = [keeperOf(arena), storeOf(arena)];
    const pid = pidOf(arena);
    // Frozen while it is copied: as a snapshot of its disk would have it, with whatever was just being done.
    process.kill(pid, 'SIGSTOP');
    await cp(store, `${store}.copy`, { recursive: true });
    process.kill(pid, 'SIGCONT');
    const before = crowd.answered.length;
    await pause(copyAgesMs);
    // It is an older one only when something was done since. Nobody is answered while another fault keeps everything waiting.
    await until('somebody was answered', () => crowd.answered.length > before, evidenceMsMax);
    await keeper.stop();
    await rm(store, { recursive: true });
    await rename(`${store}.copy`, store);
    keeper.start();
    await isListening(arena);
    count('the store of the queue was an older one');
    return async () => {};
  },
};

export const queueEmptied: Fault = {
  name: 'queue emptied',
  promise,
  targets,
  evidence: ['the store of the queue was deleted'],
  touches,
  seconds: { alone: 5, chaos: 3 },
  strike: async ({ arena, count }) => {
    const pid = pidOf(arena);
    // Stopped first, so that nothing is written between the two.
    process.kill(pid, 'SIGSTOP');
    await rm(storeOf(arena), { recursive: true });
    process.kill(pid, 'SIGKILL');
    count('the store of the queue was deleted');
    return async () => {
      await until('it is another process', () => !processesNamed(arena.pid, program).includes(pid), 30_000);
      await isListening(arena);
    };
  },
};

export const queueFaults: readonly Fault[] = [
  queueKilled,
  queueStopped,
  queueFrozen,
  queueRolledBack,
  queueEmptied,
];
