import { setTimeout as delay } from 'node:timers/promises';
import type { History } from './history.ts';
import type { Context, Invariant, Kind, Need, Violation } from './invariant.ts';
import { invariants } from './invariants.ts';
import { isDrained, withSnapshots, type Databases, type Unrest } from './snapshots.ts';

export type AuditOptions = {
  readonly databases: Databases;
  /** Must have been read before the audit begins: what it tells has to be in the snapshots. */
  readonly history?: History | undefined;
  readonly logFiles?: readonly string[];
  readonly secrets?: ReadonlyMap<string, string>;
  readonly usesStub?: boolean | undefined;
  /** How long to wait until nothing is under way. Default 0. */
  readonly waitSeconds?: number;
  readonly onWait?: (unrest: Unrest) => void;
  readonly onResult?: (result: Result) => void;
};

export type Result = {
  readonly number: number;
  readonly kind: Kind;
  readonly title: string;
  readonly status: 'ok' | 'broken' | 'skipped';
  /** Why it was skipped. */
  readonly reason?: string;
  readonly violations: readonly Violation[];
};

export type Report = Unrest & {
  /** All that could be checked hold, and nothing was left out because something is still under way. */
  readonly ok: boolean;
  readonly drained: boolean;
  readonly at: string;
  readonly ms: number;
  readonly results: readonly Result[];
};

const lookAgainMs = 250;

/** Checks every invariant on one set of snapshots. Reads only; a running system goes on meanwhile. */
export async function audit(options: AuditOptions): Promise<Report> {
  const startedAt = Date.now();
  const giveUpAt = startedAt + (options.waitSeconds ?? 0) * 1_000;
  for (;;) {
    const report = await withSnapshots(options.databases, async (snapshots, unrest) => {
      // What is under way may end: then newer snapshots tell more.
      if (!isDrained(unrest) && Date.now() < giveUpAt) return options.onWait?.(unrest);
      const { history, logFiles = [], secrets = new Map(), usesStub } = options;
      const context: Context = { snapshots, history, logFiles, secrets, usesStub };
      const results: Result[] = [];
      for (const invariant of invariants) {
        const result = await check(invariant, context, unrest);
        options.onResult?.(result);
        results.push(result);
      }
      return reportOf(results, unrest, startedAt);
    });
    if (report) return report;
    await delay(lookAgainMs);
  }
}

async function check(invariant: Invariant, context: Context, unrest: Unrest): Promise<Result> {
  const { number, kind, title, needs } = invariant;
  const missing = needs.flatMap((need) => missingOf(need, context, unrest) ?? []);
  if (missing.length > 0)
    return {
      number,
      kind,
      title,
      status: 'skipped',
      reason: `not checked: ${missing.join(', ')}`,
      violations: [],
    };
  const violations = await invariant.check(context);
  return { number, kind, title, status: violations.length > 0 ? 'broken' : 'ok', violations };
}

function missingOf(need: Need, { history, logFiles }: Context, unrest: Unrest): string | undefined {
  switch (need) {
    case 'no open saga':
      return unrest.openSagas > 0 ? sayOpen(unrest) : undefined;
    case 'no due delivery':
      return unrest.dueDeliveries > 0 ? sayDue(unrest) : undefined;
    case 'history':
      return history ? undefined : 'no history was given';
    case 'logs':
      return logFiles.length > 0 ? undefined : 'no log file was found';
  }
}

const several = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;
const sayOpen = ({ openSagas }: Unrest): string => several(openSagas, 'saga open', 'sagas open');
const sayDue = ({ dueDeliveries }: Unrest): string =>
  several(dueDeliveries, 'delivery on its way', 'deliveries on their way');

export const sayUnrest = (unrest: Unrest): string =>
  [unrest.openSagas > 0 ? sayOpen(unrest) : [], unrest.dueDeliveries > 0 ? sayDue(unrest) : []]
    .flat()
    .join(', ');

function reportOf(results: readonly Result[], unrest: Unrest, startedAt: number): Report {
  const drained = isDrained(unrest);
  return {
    ok: drained && results.every(({ status }) => status !== 'broken'),
    drained,
    ...unrest,
    at: new Date(startedAt).toISOString(),
    ms: Date.now() - startedAt,
    results,
  };
}
