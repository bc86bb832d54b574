import { parentPort, workerData } from 'node:worker_threads';
import { percentile } from '../closed-loop.ts';
import { openLoop } from '../open-loop.ts';
import type { PollOrder, Polls } from './polls.ts';

const connectionsMax = 64;

// Written by steadyPolls; nobody else starts this thread.
const { port, requests, perSecond, seconds }: PollOrder = workerData;
let at = 0;
const bySecond = await openLoop({
  host: '127.0.0.1',
  port,
  perSecond,
  seconds,
  connectionsMax,
  next: () => {
    const request = requests[at++ % requests.length];
    if (!request) throw new Error('There is nothing to ask.');
    return request;
  },
});
const latenciesMs = bySecond.flatMap((second) => second.latenciesMs);
const polls: Polls = {
  answered: latenciesMs.length,
  failed: bySecond.reduce((sum, { notSent, refused, failed }) => sum + notSent + refused + failed, 0),
  p50Ms: percentile(latenciesMs, 0.5),
  p99Ms: percentile(latenciesMs, 0.99),
};
parentPort?.postMessage(polls);
