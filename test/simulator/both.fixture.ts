import { sqlState, type Database, type MigrationSet, type Queryable, type Row } from '@tutti/kit/postgres';
import { testDatabase } from '@tutti/kit/testing';
import { isDeepStrictEqual } from 'node:util';
import { statementKey, type Statements } from './tables/statements.ts';

const clock: MigrationSet = { name: 'clock', folder: new URL('./clock/', import.meta.url) };

type Outcome = { readonly rows: readonly Row[] } | { readonly sqlState: string };

/** A PostgreSQL and a model of its tables, both asked the same at the same moment; they must answer the same. */
export class Both implements Queryable {
  now = Date.UTC(2026, 10, 1, 11);
  /** How often a statement was answered how, to see that the play was not dull. */
  readonly counts = new Map<string, number>();
  readonly database: Database;
  readonly close: () => Promise<void>;
  readonly #statements: Statements;

  private constructor(
    database: Database,
    close: () => Promise<void>,
    model: (now: () => number) => Statements,
  ) {
    this.database = database;
    this.close = close;
    this.#statements = model(() => this.now);
  }

  static async open(
    sets: readonly MigrationSet[],
    settings: Readonly<Record<string, string | number>>,
    model: (now: () => number) => Statements,
  ): Promise<Both> {
    const timed = { ...settings, search_path: 'public,clock,pg_catalog', 'tutti.now': 0 };
    // One connection: the clock is a setting of its own.
    const test = await testDatabase([clock, ...sets], { connectionsMax: 1, settings: timed });
    return new Both(test.database, test.drop, model);
  }

  async query<R extends Row>(text: string, values: readonly unknown[] = [], name?: string): Promise<R[]> {
    const key = statementKey(text, name);
    await this.database.query(`select set_config('tutti.now', $1, false)`, [String(this.now)]);
    const real = await outcomeOf(() => this.database.query(text, values, name));
    const modelled = await outcomeOf(async () => {
      const statement = this.#statements[key];
      if (!statement) throw new Error(`The model knows no statement "${key}".`);
      return statement(values);
    });
    if (!isDeepStrictEqual(real, modelled))
      throw new Error(
        `${key} ${JSON.stringify(values)}\nPostgreSQL: ${JSON.stringify(real)}\nthe model:  ${JSON.stringify(modelled)}`,
      );
    this.#count(key, real);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the statement says its rows are
    return ('rows' in real ? real.rows : []) as R[];
  }

  #count(key: string, outcome: Outcome): void {
    const said = 'rows' in outcome ? codesIn(outcome.rows) : [outcome.sqlState];
    for (const one of said) {
      const what = `${key} ${one}`;
      this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
    }
  }
}

/** Rows in an order of their own: a database promises none. As JSON: a model shares nothing. */
async function outcomeOf(ask: () => Promise<readonly Row[]>): Promise<Outcome> {
  try {
    const rows = await ask();
    const copies = rows.map((row): Row => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it was a row a moment ago
      const copy = JSON.parse(JSON.stringify(row)) as Row;
      // jsonb writes the same body in its own way.
      return typeof copy['body'] === 'string' ? { ...copy, body: JSON.parse(copy['body']) as unknown } : copy;
    });
    return { rows: copies.toSorted((a, b) => (String(a['id']) < String(b['id']) ? -1 : 1)) };
  } catch (error) {
    const state = sqlState(error);
    if (state === undefined) throw error;
    return { sqlState: state };
  }
}

/** What a batch's commands were told, or how many rows there were. */
function codesIn(rows: readonly Row[]): string[] {
  const answers = rows[0]?.['answer'];
  if (!Array.isArray(answers)) return [rows.length === 0 ? 'nothing' : 'rows'];
  return answers.map((answer: { refused?: { code: string } }) => answer.refused?.code ?? 'ok');
}
