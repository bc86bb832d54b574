import type { Figures, Flow, LevelRun, SystemRun } from './results.ts';

/** Middle, lowest and highest of what the rounds gave. */
export type Spread = { readonly median: number; readonly least: number; readonly most: number };

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
  return { median, least: sorted[0] ?? Number.NaN, most: sorted.at(-1) ?? Number.NaN };
}

/** What is compared of a level; less is better for all but the rate. */
export const measures = {
  rate: { title: 'flows a second', unit: '/s', better: 'more', of: (level: LevelRun) => level.perSecond },
  p50: { title: 'p50', unit: ' ms', better: 'less', of: (level: LevelRun) => level.p50Ms },
  p99: { title: 'p99', unit: ' ms', better: 'less', of: (level: LevelRun) => level.p99Ms },
  cpu: {
    title: 'CPU a flow',
    unit: ' ms',
    better: 'less',
    of: (level: LevelRun) => sumOf(cpuMsPerFlow(level)),
  },
  commits: {
    title: 'commits a flow',
    unit: '',
    better: 'less',
    of: (level: LevelRun) => perFlow(level, level.costs.commits),
  },
  wal: {
    title: 'WAL bytes a flow',
    unit: '',
    better: 'less',
    of: (level: LevelRun) => perFlow(level, level.costs.walBytes),
  },
} as const;
export type Measure = keyof typeof measures;
export const measureNames: readonly Measure[] = ['rate', 'p50', 'p99', 'cpu', 'commits', 'wal'];

export const perFlow = ({ answers }: LevelRun, amount: number): number => amount / Math.max(1, answers);

/** Of the system itself: neither the generator nor the partner are its own. */
const systemRoles = ['node', 'postgres', 'engine'] as const;

export function cpuMsPerFlow(level: LevelRun): Readonly<Record<(typeof systemRoles)[number], number>> {
  const of = (role: (typeof systemRoles)[number]) =>
    perFlow(level, (level.costs.cpuSeconds[role] ?? 0) * 1_000);
  return { node: of('node'), postgres: of('postgres'), engine: of('engine') };
}

const sumOf = (parts: Readonly<Record<string, number>>): number =>
  Object.values(parts).reduce((sum, one) => sum + one, 0);

/** Looks things up in the runs of a comparison. */
export class Summary {
  readonly figures: Figures;

  constructor(figures: Figures) {
    this.figures = figures;
  }

  get flows(): readonly Flow[] {
    return ['reserve', 'pay'];
  }

  runsOf(system: string): readonly SystemRun[] {
    return this.figures.runs.filter((run) => run.system === system);
  }

  has(system: string): boolean {
    return this.runsOf(system).length > 0;
  }

  /** The level of each round; empty when it was not measured. */
  levels(system: string, flow: Flow, clients: number): readonly LevelRun[] {
    return this.runsOf(system).flatMap(({ levels }) =>
      levels.filter((level) => level.flow === flow && level.clients === clients && level.answers > 0),
    );
  }

  spread(system: string, flow: Flow, clients: number, measure: Measure): Spread | null {
    const levels = this.levels(system, flow, clients);
    return levels.length === 0 ? null : spreadOf(levels.map(measures[measure].of));
  }

  /** Ours by theirs, of one measure, round by round; of several peers it is the best of the round that counts. */
  ratios(peers: readonly string[], flow: Flow, clients: number, measure: Measure): readonly number[] {
    const { of, better } = measures[measure];
    const valueIn = (system: string, round: number): number[] =>
      this.runsOf(system)
        .filter((run) => run.round === round)
        .flatMap(({ levels }) =>
          levels
            .filter((level) => level.flow === flow && level.clients === clients && level.answers > 0)
            .map(of),
        );
    const rounds = [...new Set(this.figures.runs.map(({ round }) => round))];
    return rounds.flatMap((round) => {
      const [ours] = valueIn('ours', round);
      const theirs = peers.flatMap((peer) => valueIn(peer, round));
      if (ours === undefined || theirs.length === 0) return [];
      return [ours / (better === 'more' ? Math.max(...theirs) : Math.min(...theirs))];
    });
  }
}
