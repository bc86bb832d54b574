import type { Flow } from './results.ts';
import { measures, perFlow, spreadOf, type Measure, type Summary } from './summary.ts';

export type Aim = {
  readonly what: string;
  readonly aimed: string;
  /** What came out, round by round; empty when it was not measured. */
  readonly measured: readonly number[];
  readonly met: boolean | null;
};

type Ratio = { peers: readonly string[]; name: string; clients: number; measure: Measure; limit: number };

// What the issue asks for.
const atLeast: readonly Ratio[] = [
  { peers: ['dbos'], name: 'DBOS', clients: 256, measure: 'rate', limit: 30 },
  {
    peers: ['restate', 'restate-tuned'],
    name: 'Restate at its best',
    clients: 256,
    measure: 'rate',
    limit: 10,
  },
  { peers: ['monolith'], name: 'the plain monolith', clients: 256, measure: 'rate', limit: 4 },
  { peers: ['limit'], name: 'the limit', clients: 256, measure: 'rate', limit: 0.7 },
  { peers: ['monolith'], name: 'the plain monolith', clients: 64, measure: 'rate', limit: 2.5 },
];
const atMost: readonly Ratio[] = [
  { peers: ['monolith'], name: "the plain monolith's", clients: 1, measure: 'p50', limit: 2 },
  { peers: ['dbos'], name: "DBOS's", clients: 1, measure: 'p50', limit: 1 / 3 },
  {
    peers: ['restate', 'restate-tuned'],
    name: "Restate's at its best",
    clients: 1,
    measure: 'p50',
    limit: 1 / 3,
  },
];
/** The embedded system over its own services as processes: at least 0.6 of it shall remain. */
const ofCluster: Ratio = {
  peers: ['cluster'],
  name: 'its own cluster',
  clients: 256,
  measure: 'rate',
  limit: 1.67,
};
const loserP99MsMax = 100;
const commitsPerPayMax = 0.2;

export function aimsOf(summary: Summary): Aim[] {
  const ratio = ({ peers, name, clients, measure, limit }: Ratio, flow: Flow, sign: '≥' | '≤'): Aim => {
    const measured = summary.ratios(peers, flow, clients, measure);
    const clientsNamed = clients === 1 ? 'one client' : `${clients} clients`;
    return {
      what: `${flow}, ${clientsNamed}: ${measures[measure].title} against ${name}`,
      aimed: `${sign} ${limit === 1 / 3 ? '⅓' : limit} ×`,
      measured,
      met: verdict(measured, (value) => (sign === '≥' ? value >= limit : value <= limit)),
    };
  };
  const both = (one: Ratio, sign: '≥' | '≤') => summary.flows.map((flow) => ratio(one, flow, sign));
  const losers = summary.runsOf('ours').flatMap(({ race }) => (race ? [race.loserP99Ms] : []));
  const commits = summary
    .levels('ours', 'pay', 256)
    .map((level) => perFlow(level, level.costs.allCommits ?? level.costs.commits));
  return [
    ...atLeast.flatMap((one) => both(one, '≥')),
    ...atMost.flatMap((one) => both(one, '≤')),
    ...both(ofCluster, '≤'),
    {
      what: `race for the same seats: p99 of those who came second, ms`,
      aimed: `≤ ${loserP99MsMax}`,
      measured: losers,
      met: verdict(losers, (value) => value <= loserP99MsMax),
    },
    {
      what: 'pay, 256 clients: commits a flow',
      aimed: `≤ ${commitsPerPayMax}`,
      measured: commits,
      met: verdict(commits, (value) => value <= commitsPerPayMax),
    },
  ];
}

/** By the median of the rounds; null when there is none. */
const verdict = (measured: readonly number[], holds: (median: number) => boolean): boolean | null =>
  measured.length === 0 ? null : holds(spreadOf(measured).median);
