import type { Queryable } from '@tutti/kit/postgres';
import type { DatabaseName } from '../system.ts';
import type { History } from './history.ts';

/** A: any snapshot of one database. Q: once everything has drained. T: timing. H: the client's history. */
export type Kind = 'A' | 'Q' | 'T' | 'H';

/** What is wrong, in one sentence, and the rows that show it; of many only the first are named. */
export type Violation = { readonly what: string; readonly count: number; readonly rows: readonly string[] };

export type Snapshots = Readonly<Record<DatabaseName, Queryable>>;

export type Context = {
  /** One repeatable-read snapshot of each database. */
  readonly snapshots: Snapshots;
  readonly history: History | undefined;
  readonly logFiles: readonly string[];
  /** The keys and passwords of this system, by the name of their file. */
  readonly secrets: ReadonlyMap<string, string>;
  /** Whether deliveries go to the built-in receiver; undefined: it is used if it ever got one. */
  readonly usesStub: boolean | undefined;
};

/** Without which a check would mean nothing: no saga open, no delivery on its way, a history, log files. */
export type Need = 'no open saga' | 'no due delivery' | 'history' | 'logs';

export type Invariant = {
  readonly number: number;
  readonly kind: Kind;
  readonly title: string;
  readonly needs: readonly Need[];
  check(context: Context): Promise<Violation[]>;
};

export const rowsNamedMax = 20;

/** Runs a statement whose every row breaks a rule; its one column is a text that names the row. */
export async function rowsThat(snapshot: Queryable, what: string, sql: string): Promise<Violation[]> {
  const rows = await snapshot.query<{ named: string; count: number }>(
    `select named, count(*) over () as count from (${sql}) as broken(named) order by named limit ${rowsNamedMax}`,
  );
  const [first] = rows;
  return first ? [{ what, count: first.count, rows: rows.map(({ named }) => named) }] : [];
}

/** Gathers what is found row by row: counts all, keeps the names of the first. */
export class Findings {
  readonly #found = new Map<string, { count: number; rows: string[] }>();

  add(what: string, row: string): void {
    const found = this.#found.get(what) ?? { count: 0, rows: [] };
    found.count++;
    if (found.rows.length < rowsNamedMax) found.rows.push(row);
    this.#found.set(what, found);
  }

  get violations(): Violation[] {
    return [...this.#found].map(([what, { count, rows }]) => ({ what, count, rows }));
  }
}
