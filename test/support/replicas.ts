import { readMetrics, until, type Metrics } from '@tutti/kit/testing';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { processTree } from './processes.ts';
import type { Installation } from './installation.ts';

export type ReplicaProcess = {
  readonly name: string;
  readonly service: string;
  readonly healthPort: number;
  /** Of the process that is this replica now; 0 while there is none. */
  readonly pid: () => number;
};

const environmentOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return '';
  }
};

/** The processes of a cluster by what they are, as its data folder and the kernel tell. */
export function replicasOf(started: Installation): ReplicaProcess[] {
  const told: unknown = JSON.parse(readFileSync(path.join(started.dataDir, 'cluster.json'), 'utf8'));
  if (typeof told !== 'object' || told === null || !('replicas' in told) || !Array.isArray(told.replicas))
    throw new Error('cluster.json names no replicas.');
  return told.replicas.map((replica: { service: string; number: number; healthPort: number }) => {
    const { service, number, healthPort } = replica;
    const mark = `\0HEALTH_PORT=${healthPort}\0`;
    const pid = () => processTree(started.pid).find((one) => environmentOf(one).includes(mark)) ?? 0;
    return { name: `${service}-${number}`, service, healthPort, pid };
  });
}

export const isReady = ({ healthPort }: ReplicaProcess): Promise<boolean> =>
  fetch(`http://127.0.0.1:${healthPort}/readyz`, { signal: AbortSignal.timeout(3_000) }).then(
    ({ ok }) => ok,
    () => false,
  );

/** Whether it knows a message queue to be there, as its private door tells. */
export async function hasQueue({ healthPort }: ReplicaProcess): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${healthPort}/readyz`, { signal: AbortSignal.timeout(5_000) });
  return /"queue":"up"/.test(await answer.text());
}

/** What it counts, as its private door tells. */
export async function metricsOf({ healthPort }: ReplicaProcess): Promise<Metrics> {
  const answer = await fetch(`http://127.0.0.1:${healthPort}/metrics`, {
    signal: AbortSignal.timeout(5_000),
  });
  return readMetrics(await answer.text());
}

/** Its process, once there is one: a signal to 0 would be one to ourselves. */
export async function runningPid(replica: ReplicaProcess): Promise<number> {
  let pid = 0;
  await until(`${replica.name} runs`, () => (pid = replica.pid()) > 0, 60_000);
  return pid;
}

/** Waits until another process than `before` is this replica, and is ready. */
export function backAgain(replica: ReplicaProcess, before: number): Promise<void> {
  return until(
    `${replica.name} is back`,
    async () => {
      const pid = replica.pid();
      if (pid === 0 || pid === before) return false;
      return isReady(replica);
    },
    60_000,
  );
}
