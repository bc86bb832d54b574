import type { Phase } from '@tutti/contracts/line';
import { Connection } from '../connection.ts';
import { pause } from '../waiting.ts';
import type { CacheModel } from './cache-model.ts';
import { tickMs, WaitingCrowd, type LineDocument } from './waiting-crowd.ts';

const connectionsMax = 64;

export type CrowdRun = {
  readonly fans: number;
  readonly virtualSeconds: number;
  readonly realSeconds: number;
  readonly polls: number;
  /** The moments, in real milliseconds from the start, when a request was sent. */
  readonly sentAtMs: readonly number[];
};

/**
 * A waiting crowd on a virtual clock, each of whose requests goes to a real server. The clock follows the real one as long as
 * the requests of a tick are answered within it, and waits for them otherwise.
 */
export async function runCrowd(options: {
  fans: number;
  seconds: number;
  port: number;
  path: string;
  random: () => number;
}): Promise<CrowdRun> {
  const { fans, seconds, port, path, random } = options;
  const connections = Array.from({ length: connectionsMax }, () => new Connection('127.0.0.1', port));
  const read = reader();
  const sentAtMs: number[] = [];
  const startedAt = performance.now();
  const poll = async (connection: Connection): Promise<LineDocument> => {
    sentAtMs.push(performance.now() - startedAt);
    const { status, body } = await connection.get(path, '');
    if (status !== 200) throw new Error(`A poll was answered ${status}: ${body}`);
    return read(body);
  };
  try {
    const [first] = connections;
    if (!first) throw new Error('There is no connection.');
    const crowd = new WaitingCrowd(fans, await poll(first), random);
    sentAtMs.length = 0;
    while (crowd.nowMs < seconds * 1_000) {
      const due = [...crowd.next()];
      const one = async (connection: Connection) => {
        for (let fan = due.pop(); fan !== undefined; fan = due.pop())
          crowd.reads(fan, await poll(connection));
      };
      await Promise.all(connections.map(one));
      const early = startedAt + crowd.nowMs - performance.now();
      if (early > 1) await pause(early);
    }
    const realSeconds = (performance.now() - startedAt) / 1_000;
    return { fans, virtualSeconds: seconds, realSeconds, polls: sentAtMs.length, sentAtMs };
  } finally {
    for (const connection of connections) connection.close();
  }
}

/** The same with nothing real in it: the cache and the document are models, so an hour takes seconds. */
export function imagineCrowd(options: {
  fans: number;
  seconds: number;
  cache: CacheModel;
  documentAt: (ms: number) => LineDocument;
  random: () => number;
}): { readonly polls: number; readonly sentOn: number } {
  const { fans, seconds, cache, documentAt, random } = options;
  const crowd = new WaitingCrowd(fans, documentAt(0), random);
  while (crowd.nowMs < seconds * 1_000) {
    crowd.next().forEach((fan, index, { length }) => {
      // Spread over the tick, so that times grow.
      const atMs = crowd.nowMs + (tickMs * index) / length;
      crowd.reads(fan, documentAt(cache.request(atMs)));
    });
  }
  const { received, sentOn } = cache.counts;
  return { polls: received, sentOn };
}

/** Reads the public document; many answers are the same text, which is parsed once. */
function reader(): (body: string) => LineDocument {
  let text = '';
  let document: LineDocument | undefined;
  return (body) => {
    if (document && body === text) return document;
    document = documentFrom(body);
    text = body;
    return document;
  };
}

const phases: readonly Phase[] = ['pre_queue', 'open', 'paused', 'sold_out', 'closed'];

export function documentFrom(body: string): LineDocument {
  const json: unknown = JSON.parse(body);
  const field = (name: string): unknown =>
    typeof json === 'object' && json !== null ? Reflect.get(json, name) : undefined;
  const number = (name: string): number => {
    const value = field(name);
    if (typeof value !== 'number') throw new Error(`The public document has no number "${name}": ${body}`);
    return value;
  };
  const phase = phases.find((one) => one === field('phase'));
  if (!phase) throw new Error(`The public document has no phase: ${body}`);
  return {
    phase,
    serving: number('serving'),
    pacePerSecond: number('pacePerSecond'),
    pollAfterSeconds: number('pollAfterSeconds'),
  };
}
