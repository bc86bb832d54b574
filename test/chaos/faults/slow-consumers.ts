import { until } from '@tutti/kit/testing';
import type { DatabaseName } from '@tutti/standalone/system';
import { readFileSync } from 'node:fs';
import type { Fault, Scene } from '../fault.ts';
import { Broker } from './broker.ts';
import { databaseNamed, serverOf } from './databases.ts';
import { replicasOfService } from './restarting.ts';

const backlogMessages = 100_000;
const perFrame = 250;
const catchUpMsMax = 120_000;
/** Twice what a busy replica uses otherwise. */
const memoryMegabytesMax = 400;

const megabytesOf = (pid: number): number => {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024;
  } catch {
    return 0;
  }
};

/** A queue and what was in it once already; done for good, so that to do it again is to find that it was done. */
type Old = { readonly queue: string; readonly messages: readonly object[] };

/** What sagas once asked of a service, each with an answer in its journal; it is answered to a driver of now. */
async function oldCommands({ arena }: Scene, service: DatabaseName, driver: string): Promise<Old> {
  const types: Readonly<Record<string, string>> = {
    seats: service === 'concert' ? 'concert.reserve-seats' : '',
    points: 'payment.deduct-points',
    delivery: 'partner.deliver',
  };
  const rows = await arena.query<{ saga: string; step: string }>(
    service,
    `select saga, step from journal where direction = 'do' and step = any($1) limit 2000`,
    [Object.keys(types)],
  );
  const messages = rows.map(({ saga, step }) => ({
    type: types[step],
    saga,
    step,
    direction: 'do',
    body: {},
    replyTo: driver,
    traceId: saga,
  }));
  return { queue: `${service}.commands`, messages };
}

async function oldStarts({ arena }: Scene, gateway: string): Promise<Old> {
  const rows = await arena.query(
    'orchestrator',
    `select id, name, fan, route, key, fingerprint, input, trace_id as "traceId" from saga
     where ended_at is not null limit 2000`,
  );
  const messages = rows.map((row) => ({
    ...row,
    sentAt: 0,
    notAfter: Number.MAX_SAFE_INTEGER,
    replyTo: gateway,
    tellStored: true,
  }));
  return { queue: 'sagas.start', messages };
}

async function oldOf(scene: Scene, broker: Broker, target: string): Promise<Old> {
  const namesOf = async (stream: string, prefix: string) =>
    (await broker.queues(stream)).map(({ name }) => name).filter((name) => name.startsWith(prefix));
  if (target === 'orchestrator') {
    const [gateway = ''] = await namesOf('gateway', 'gateway.answers.');
    return oldStarts(scene, gateway);
  }
  const [driver] = await scene.arena.query<{ id: string }>(
    'orchestrator',
    'select id from driver where lease_until > now() limit 1',
  );
  return oldCommands(scene, databaseNamed(target), driver?.id ?? '');
}

async function fill(broker: Broker, { queue, messages }: Old): Promise<void> {
  for (let at = 0; at < backlogMessages; at += perFrame) {
    const some = Array.from({ length: perFrame }, (_, nth) => messages[(at + nth) % messages.length]);
    await broker.put(queue, JSON.stringify({ messages: some }));
  }
}

async function strike(scene: Scene, target: string): Promise<() => Promise<void>> {
  const { arena, count, countMost } = scene;
  const broker = await Broker.of(arena);
  const replicas = replicasOfService(arena, target).map((name) => arena.replica(name));
  const pids = replicas.map(({ pid }) => pid());
  let old = await oldOf(scene, broker, target);
  const isEnough = async () => (old = await oldOf(scene, broker, target)).messages.length > 100;
  await until('there is something old', isEnough, 60_000);
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  try {
    await fill(broker, old);
  } finally {
    for (const pid of pids) process.kill(pid, 'SIGCONT');
  }
  count('messages behind a slow consumer', backlogMessages);
  const wokenAt = Date.now();
  let megabytesMost = 0;
  const isCaughtUp = async () => {
    megabytesMost = Math.max(megabytesMost, ...pids.map(megabytesOf));
    const [stream = ''] = old.queue.split('.');
    const waiting = (await broker.queues(stream)).find(({ name }) => name === old.queue)?.waiting ?? 0;
    // What fans ask meanwhile goes on.
    return waiting < 20;
  };
  const caughtUp = until('the consumer has caught up', isCaughtUp, catchUpMsMax).then(() => Date.now());
  caughtUp.catch(() => {});
  return async () => {
    const seconds = ((await caughtUp) - wokenAt) / 1_000;
    await broker.close();
    countMost('seconds until 100,000 messages were done, at most', Math.ceil(seconds));
    countMost('megabytes of memory, at most', Math.ceil(megabytesMost));
    if (megabytesMost > memoryMegabytesMax) throw new Error(`a replica took ${Math.round(megabytesMost)} MB`);
    if (replicas.some(({ pid }, at) => pid() !== pids[at]))
      throw new Error('a replica did not live through it');
  };
}

export const slowConsumer: Fault = {
  name: 'a slow consumer with 100,000 messages behind it',
  promise:
    'it takes them at its own pace with no more memory than usual and catches up; what was done before is not done again',
  targets: ['concert', 'payment', 'partner', 'orchestrator'],
  evidence: ['messages behind a slow consumer', 'seconds until 100,000 messages were done, at most'],
  touches: (target) => [`${target}-1`, `${target}-2`, serverOf(target), 'nats-server'],
  seconds: { alone: 10, chaos: 5 },
  isLong: true,
  strike,
};
