import { Worker } from 'node:worker_threads';
import type { Request } from '../closed-loop.ts';

export type PollOrder = {
  readonly port: number;
  /** Asked for in turn. */
  readonly requests: readonly Request[];
  readonly perSecond: number;
  readonly seconds: number;
};

export type Polls = {
  readonly answered: number;
  /** Not sent in time, not answered, or not well. */
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
};

/**
 * Polls at a steady rate, answered or not, on a thread of its own: what it measures shall be the line's time, not that of the
 * generator, which is busy sending joins.
 */
export function steadyPolls(order: PollOrder): Promise<Polls> {
  return new Promise((done, failed) => {
    const worker = new Worker(new URL('poll-thread.ts', import.meta.url), { workerData: order });
    worker.once('message', done);
    worker.once('error', failed);
    worker.once('exit', () => failed(new Error('The polls ended without an answer.')));
  });
}
