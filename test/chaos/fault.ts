import type { Arena } from '../support/arena.ts';
import type { Crowd } from '../support/crowd.ts';

/** Where faults strike: a cluster under load. */
export type Scene = {
  readonly arena: Arena;
  readonly crowd: Crowd;
  /** All chance of a run comes from its seed. */
  readonly random: () => number;
  /** Evidence that something really took place; what is counted and stays at zero fails the run. */
  readonly count: (what: string, times?: number) => void;
  /** Keeps the largest of such figures. */
  readonly countMost: (what: string, figure: number) => void;
  /** Resolves after so long, or at once when the run is being stopped. */
  readonly pause: (ms: number) => Promise<void>;
};

/** How long a strike waits for what shows that it took place, beside other faults that keep everybody waiting. */
export const evidenceMsMax = 60_000;

/** Ends a fault: from here on the system has to recover by itself. */
export type Heal = () => Promise<void>;

/** One kind of thing that breaks. */
export type Fault = {
  /** As the matrix and `--only` name it. */
  readonly name: string;
  /** What is expected of the system meanwhile, as one sentence for the matrix. */
  readonly promise: string;
  /** Whom it may strike, one at a time; by the names that the arena knows. */
  readonly targets: readonly string[];
  /** What a strike always counts. */
  readonly evidence: readonly string[];
  /** Faults that share one of these are never under way together. */
  readonly touches: (target: string) => readonly string[];
  /** How long it lasts when it is played alone, and among others. */
  readonly seconds: { readonly alone: number; readonly chaos: number };
  /** Striking or healing it takes its time: it has no part in the short chaos of the test suite. */
  readonly isLong?: boolean;
  /** Breaks something; what it started or stopped, the heal it returns has to end. */
  readonly strike: (scene: Scene, target: string) => Promise<Heal>;
};
