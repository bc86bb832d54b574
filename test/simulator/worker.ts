import { parentPort, workerData } from 'node:worker_threads';
import { play } from './play.ts';

/** What a worker is to play: every `stride`-th seed. */
export type Share = { readonly from: number; readonly upTo: number; readonly stride: number };

/** What it tells of each. */
export type Report = {
  readonly seed: number;
  readonly wrong: readonly string[];
  readonly counts: ReadonlyMap<string, number>;
  readonly virtualMs: number;
};

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- given by main.ts
const { from, upTo, stride } = workerData as Share;
for (let seed = from; seed <= upTo; seed += stride) {
  const { wrong, counts, virtualMs } = await play(seed);
  parentPort?.postMessage({ seed, wrong, counts, virtualMs } satisfies Report);
}
