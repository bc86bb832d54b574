import type { Flow } from './results.ts';
import { measureNames, measures, type Measure, type Summary } from './summary.ts';

/** Less than this is nothing that a run like this could tell apart. */
const noise = 1.05;

type Lead = { flow: Flow; clients: number; measure: Measure; ours: number; theirs: number };

// What a flow costs is compared where there is most to do; beside one client a system mostly waits.
const isCost = (measure: Measure): boolean => ['cpu', 'commits', 'wal'].includes(measure);

/** In what each peer does better than we do, by the medians: a list that nobody has to look for. */
export function leadsOf(summary: Summary, peer: string): Lead[] {
  const most = Math.max(...summary.figures.clients);
  return summary.flows.flatMap((flow) =>
    summary.figures.clients.flatMap((clients) =>
      measureNames.flatMap((measure) => {
        if (isCost(measure) && clients !== most) return [];
        const ours = summary.spread('ours', flow, clients, measure)?.median;
        const theirs = summary.spread(peer, flow, clients, measure)?.median;
        if (ours === undefined || theirs === undefined) return [];
        const isAhead = measures[measure].better === 'more' ? theirs > ours * noise : theirs * noise < ours;
        return isAhead ? [{ flow, clients, measure, ours, theirs }] : [];
      }),
    ),
  );
}
