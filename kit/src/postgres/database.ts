import pg from 'pg';
import { NotConnected } from '../service/index.ts';

/** Where a database is. Either a URL or the parts (a directory as `host` is a Unix socket). */
export type Connection =
  | { readonly url: string }
  | { readonly host: string; readonly port: number; readonly user: string; readonly database: string };

export type DatabaseOptions = {
  readonly connectionsMax?: number;
  readonly statementTimeoutMs?: number;
  readonly lockTimeoutMs?: number;
  /** Settings of every connection, as `set` takes them. */
  readonly settings?: Readonly<Record<string, string | number>>;
};

export type Row = Readonly<Record<string, unknown>>;

/** Anything that runs a statement: the pool, or a transaction's connection. A named statement is prepared once. */
export type Queryable = {
  query<R extends Row>(text: string, values?: readonly unknown[], name?: string): Promise<R[]>;
};

// bigint columns here hold amounts, counts and versions: all below 2^53.
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format),
};

const queryOn =
  (client: { query: (config: pg.QueryConfig) => Promise<pg.QueryResult> }): Queryable['query'] =>
  async <R extends Row>(text: string, values: readonly unknown[] = [], name?: string): Promise<R[]> => {
    const result = await client.query({ text, values: [...values], ...(name && { name }) });
    // The shape of a row is the statement's, written beside it in a store; SQL cannot tell the compiler.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return result.rows as R[];
  };

/** A server says itself when a statement took too long; one that says nothing so long after that is gone. */
const silenceMsMax = 2_000;

/** A bounded pool of connections to one service's database. */
export class Database implements Queryable {
  readonly #pool: pg.Pool;

  constructor(connection: Connection, options: DatabaseOptions = {}) {
    const { connectionsMax = 6, statementTimeoutMs = 10_000, lockTimeoutMs = 5_000 } = options;
    const settings = {
      statement_timeout: statementTimeoutMs,
      lock_timeout: lockTimeoutMs,
      idle_in_transaction_session_timeout: 30_000,
      ...options.settings,
    };
    this.#pool = new pg.Pool({
      ...('url' in connection ? { connectionString: connection.url } : connection),
      max: connectionsMax,
      connectionTimeoutMillis: 10_000,
      query_timeout: statementTimeoutMs + silenceMsMax,
      idleTimeoutMillis: 0,
      options: Object.entries(settings)
        .map(([name, value]) => `-c ${name}=${value}`)
        .join(' '),
      types,
    });
    // A connection that breaks while idle is replaced by the next query; the pool must not end the process for it.
    this.#pool.on('error', () => {});
  }

  query<R extends Row>(text: string, values?: readonly unknown[], name?: string): Promise<R[]> {
    const ask = (connection: pg.PoolClient) => queryOn(connection)<R>(text, values, name);
    // A statement that PostgreSQL refused leaves nothing behind.
    return this.#lend(ask, async (_, error) => (isRefusal(error) ? undefined : asError(error)));
  }

  /** Runs `work` in one transaction at READ COMMITTED; commits when it resolves, rolls back when it throws. */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T> {
    const transact = async (connection: pg.PoolClient) => {
      await connection.query('begin');
      const result = await work({ query: queryOn(connection) });
      await connection.query('commit');
      return result;
    };
    return this.#lend(transact, (connection) => connection.query('rollback').then(() => undefined, asError));
  }

  /** Lends a connection to `work`; when that throws, `tidy` says why the connection is not to be lent again, if so. */
  async #lend<T>(
    work: (connection: pg.PoolClient) => Promise<T>,
    tidy: (connection: pg.PoolClient, error: unknown) => Promise<Error | undefined>,
  ): Promise<T> {
    const connection = await this.#pool.connect().catch((error: unknown) => {
      throw error instanceof pg.DatabaseError ? error : new NotConnected('the database', asError(error));
    });
    let broken: Error | undefined;
    // Without a listener a connection lost between two statements would end the process; the next statement tells.
    const onLost = (error: Error) => {
      broken = error;
    };
    connection.on('error', onLost);
    try {
      return await work(connection);
    } catch (error) {
      broken = (await tidy(connection, error)) ?? broken;
      throw error;
    } finally {
      connection.off('error', onLost);
      connection.release(broken);
    }
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));

/**
 * Refused for its data, for others that were in the way, or by a rule of ours: the connection is as good as before. After anything
 * else another one is made, as for a statement that was prepared before somebody changed the tables (0A000).
 */
const isRefusal = (error: unknown): boolean => /^(22|23|40|55|57014|P0|TU)/.test(sqlState(error) ?? '');

/** The SQLSTATE of a PostgreSQL error, if it is one. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

/** Errors of a statement that may well succeed when run again as it is: deadlock, serialization, unique key met late. */
export const isConflict = (error: unknown): boolean =>
  ['40P01', '40001', '23505'].includes(sqlState(error) ?? '');

const conflictTriesMax = 5;

/** Runs a statement that is a transaction of its own, and again at once, a few times, when it met another: nothing of it was done. */
export async function repeatingConflicts<T>(statement: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++)
    try {
      return await statement();
    } catch (error) {
      if (!isConflict(error) || tries >= conflictTriesMax) throw error;
    }
}

/** Errors that lie in the statement's own data and come again however often it runs. */
export function isDeterministic(error: unknown): boolean {
  const state = sqlState(error);
  // 22 data exception, 23 integrity constraint, 42 syntax or access, P0 raised by plpgsql.
  return state !== undefined && /^(22|23|42|P0)/.test(state);
}
