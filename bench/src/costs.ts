import { Database } from '@tutti/kit/postgres';
import { bytesWrittenBy, cpuSecondsOf } from './processes.ts';
import type { ProcessRole, RunningSystem } from './system.ts';

/** What a level used, beside its rate. */
export type Costs = {
  /** Seconds of CPU, by process. */
  readonly cpuSeconds: Readonly<Partial<Record<ProcessRole | 'generator' | 'partner', number>>>;
  /**
   * Commits that wrote something, by the cluster's transaction counter: exact at once. (`pg_stat_database` is told by each
   * connection up to ten seconds later.)
   */
  readonly commits: number;
  /** All commits by `pg_stat_database`, those that only read too; null where nobody waited for the connections to tell. */
  readonly allCommits: number | null;
  readonly walBytes: number;
  /** What an engine's own server wrote to the disk. */
  readonly engineBytes: number;
};

type Reading = {
  cpu: Record<string, number>;
  commits: number;
  allCommits: number;
  walBytes: number;
  engineBytes: number;
};

/** Longer than an idle connection may keep its statistics to itself (PGSTAT_IDLE_INTERVAL, 10 s). */
export const statisticsSettleMs = 10_500;

export class Meter {
  readonly #system: RunningSystem;
  readonly #partnerPid: number;
  readonly #database: Database;
  #from: Reading | undefined;

  constructor(system: RunningSystem, partnerPid: number) {
    this.#system = system;
    this.#partnerPid = partnerPid;
    this.#database = new Database(system.admin, { connectionsMax: 1 });
  }

  async begin(): Promise<void> {
    this.#from = await this.#read();
  }

  /** What was used since `begin`. */
  async end(): Promise<Costs> {
    return this.#since(await this.#read(), false);
  }

  /** The same with `allCommits`, for which it waits; both ends have to be quiet. */
  async endWithAllCommits(costs: Costs, settle: () => Promise<void>): Promise<Costs> {
    await settle();
    return { ...costs, allCommits: this.#since(await this.#read(), true).allCommits };
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  #since(to: Reading, withAll: boolean): Costs {
    const from = this.#from;
    if (!from) throw new Error('The meter was not begun.');
    const cpuSeconds = Object.fromEntries(
      Object.entries(to.cpu).map(([role, seconds]) => [
        role,
        Number((seconds - (from.cpu[role] ?? 0)).toFixed(2)),
      ]),
    );
    return {
      cpuSeconds,
      commits: to.commits - from.commits,
      allCommits: withAll ? to.allCommits - from.allCommits : null,
      walBytes: to.walBytes - from.walBytes,
      engineBytes: to.engineBytes - from.engineBytes,
    };
  }

  async #read(): Promise<Reading> {
    const pids = this.#system.pids();
    const cpu: Record<string, number> = {};
    for (const [role, own] of Object.entries(pids)) cpu[role] = cpuSecondsOf(own);
    const own = process.cpuUsage();
    cpu['generator'] = (own.user + own.system) / 1e6;
    cpu['partner'] = cpuSecondsOf([this.#partnerPid]);
    const [row] = await this.#database.query<{ commits: number; allCommits: number; walBytes: number }>(
      `select pg_snapshot_xmax(pg_current_snapshot())::text::bigint as commits,
              (select sum(xact_commit) from pg_stat_database)::bigint as "allCommits",
              (pg_current_wal_insert_lsn() - '0/0')::bigint as "walBytes"`,
    );
    if (!row) throw new Error('The counters gave no row.');
    return { ...row, cpu, engineBytes: bytesWrittenBy(pids.engine ?? []) };
  }
}
