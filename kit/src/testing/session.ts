import { callHandle } from '../participant/index.ts';
import { Database, type DatabaseOptions } from '../postgres/index.ts';
import type { CommandMessage, Outcome } from '../saga/index.ts';
import { until } from './conditions.ts';
import type { TestDatabase } from './test-database.ts';

/** One connection: a transaction stays open on it for as long as a test wants. */
export class Session {
  readonly connection: Database;
  readonly #isWaiting: () => Promise<boolean>;

  constructor(connection: Database, isWaiting: () => Promise<boolean>) {
    this.connection = connection;
    this.#isWaiting = isWaiting;
  }

  run(sql: string, values: readonly unknown[] = []): Promise<unknown> {
    return this.connection.query(sql, values);
  }

  handle(...commands: CommandMessage[]): Promise<Outcome[]> {
    return callHandle(this.connection, commands);
  }

  /** Handles a batch and keeps its transaction open. */
  async handleOpen(...commands: CommandMessage[]): Promise<Outcome[]> {
    await this.run('begin');
    return this.handle(...commands);
  }

  commit(): Promise<unknown> {
    return this.run('commit');
  }

  /** Resolves once the server says that this connection waits for a lock of another. */
  waits(): Promise<void> {
    return until('the session waits for a lock', this.#isWaiting);
  }
}

export type Sessions = { open(): Session; close(): Promise<void> };

/** As many connections to a test's database as its schedule needs; the locks they wait for may be held for long. */
export function sessionsOf(
  { connection, database }: TestDatabase,
  settings: NonNullable<DatabaseOptions['settings']>,
): Sessions {
  const connections: Database[] = [];
  return {
    open: () => {
      const name = `session-${connections.length + 1}`;
      const one = new Database(connection, {
        connectionsMax: 1,
        lockTimeoutMs: 30_000,
        statementTimeoutMs: 60_000,
        settings: { ...settings, application_name: name },
      });
      connections.push(one);
      return new Session(one, async () => {
        const waiting = await database.query(
          `select 1 from pg_stat_activity
           where datname = current_database() and application_name = $1 and wait_event_type = 'Lock'`,
          [name],
        );
        return waiting.length > 0;
      });
    },
    close: async () => {
      await Promise.all(connections.map((one) => one.close()));
    },
  };
}
