import type { Costs } from '../costs.ts';

export type Flow = 'reserve' | 'pay';

export type LevelRun = {
  readonly flow: Flow;
  readonly clients: number;
  readonly answers: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly byStatus: Readonly<Record<string, number>>;
  /** For payments: how long after the last answer the partner knew every paid reservation. */
  readonly toldPartnerMs: number | null;
  /** From the first request until the partner knew everything. */
  readonly costs: Costs;
};

export type RaceRun = {
  readonly clients: number;
  readonly seats: number;
  readonly attempts: number;
  readonly answers: number;
  readonly winners: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly loserP99Ms: number;
  /** The slowest answer that anybody got who came second. */
  readonly loserMaxMs: number;
};

/** One system in one round. */
export type SystemRun = {
  readonly system: string;
  readonly round: number;
  readonly levels: readonly LevelRun[];
  readonly race: RaceRun | null;
  /** How many rows and answers were compared, and what was wrong. */
  readonly facts: number;
  readonly violations: readonly string[];
};

/** Everything that one comparison brought, as `--json` prints it. */
export type Figures = {
  readonly at: string;
  readonly command: string;
  readonly machine: readonly string[];
  readonly versions: readonly string[];
  readonly rounds: number;
  readonly seats: number;
  readonly secondsMax: number;
  readonly clients: readonly number[];
  /** In the order of a round. */
  readonly systems: readonly { readonly name: string; readonly title: string }[];
  readonly runs: readonly SystemRun[];
  /** Systems that could not be measured, and why. */
  readonly leftOut: readonly string[];
};
