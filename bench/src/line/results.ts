import type { Polls } from './polls.ts';

/** A closed loop of one kind of request. */
export type Rate = {
  readonly clients: number;
  readonly answers: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly byStatus: Readonly<Record<string, number>>;
  /** CPU of the system's processes (and of the cache, where there is one) for each answer. */
  readonly cpuMsEach: number;
};

/** One system in one round. */
export type LineRun = {
  readonly system: string;
  readonly round: number;
  readonly joins: Rate;
  readonly bytesPerFan: number;
  /** Polls of this many fans a second while joins flood, and the joins beside them. */
  readonly flood: { readonly joinsPerSecond: number; readonly origin: Polls; readonly cache: Polls | null };
  readonly polls: { readonly origin: Rate; readonly cache: Rate | null };
  readonly violations: readonly string[];
};

/** A waiting crowd, each of whose requests went through the real cache to the real service. */
export type CrowdFigures = {
  readonly fans: number;
  readonly virtualSeconds: number;
  readonly realSeconds: number;
  readonly polls: number;
  /** By the cache's own counter. */
  readonly sentOn: number;
  /** What the model of the cache says for the same moments. */
  readonly modelSentOn: number;
};

/** The same rule over a longer time with the model of the cache, and nothing real. */
export type LongCrowd = {
  readonly fans: number;
  readonly virtualSeconds: number;
  readonly polls: number;
  readonly sentOn: number;
};

export type LineFigures = {
  readonly at: string;
  readonly command: string;
  readonly machine: readonly string[];
  readonly versions: readonly string[];
  readonly rounds: number;
  readonly fans: number;
  readonly secondsMax: number;
  readonly pollsPerSecond: number;
  readonly systems: readonly { readonly name: string; readonly title: string; readonly isPublic: boolean }[];
  readonly runs: readonly LineRun[];
  readonly crowds: readonly CrowdFigures[];
  readonly longCrowds: readonly LongCrowd[];
};
