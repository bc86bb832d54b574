import { Database, type Connection } from '@tutti/kit/postgres';
import { gate } from '@tutti/kit/testing';
import type { DatabaseName } from '@tutti/standalone/system';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Fan } from './client.ts';
import { addFans } from './fans.ts';

/** A system that runs, or may run again: a data folder, an address, databases to look into. */
export abstract class Installation {
  abstract readonly dataDir: string;
  abstract readonly address: string;
  /** Below this process are all of its processes. */
  abstract readonly pid: number;
  /** Where a database is just now. */
  abstract connection(database: DatabaseName): Connection;

  /** Runs a query on one of its databases with a connection of its own: the server may have been another a moment ago. */
  async query<R extends Record<string, unknown>>(
    name: DatabaseName,
    sql: string,
    values: unknown[] = [],
  ): Promise<R[]> {
    const database = new Database(this.connection(name), { connectionsMax: 1 });
    try {
      return await database.query<R>(sql, values);
    } finally {
      await database.close();
    }
  }

  /** Runs a statement in a transaction that stays open, with its locks; returns how to end it. */
  async holding(name: DatabaseName, sql: string, values: unknown[]): Promise<() => Promise<void>> {
    const database = new Database(this.connection(name), { connectionsMax: 1 });
    const held = gate();
    const holding = (async () => {
      try {
        await database.transaction(async (tx) => {
          await tx.query(sql, values);
          await held.pass();
        });
      } finally {
        await database.close();
      }
    })();
    await Promise.race([held.reached, holding]);
    return () => {
      held.open();
      return holding;
    };
  }

  /** Holds the fans' wallets, so that what needs them waits; returns how to let go. */
  holdingWallets(fans: readonly Fan[]): Promise<() => Promise<void>> {
    const ids = fans.map(({ userId }) => userId);
    const sql = 'select 1 from wallet where user_id = any($1::uuid[]) order by user_id for update';
    return this.holding('payment', sql, [ids]);
  }

  /** Accounts with their access tokens; they need no password. */
  async fans(count: number): Promise<Fan[]> {
    const key = Buffer.from(
      readFileSync(path.join(this.dataDir, 'secrets/access-token-key'), 'utf8').trim(),
      'base64url',
    );
    const users = new Database(this.connection('user'), { connectionsMax: 1 });
    try {
      return await addFans(users, key, this.address, count);
    } finally {
      await users.close();
    }
  }

  /** Whether every part answers. */
  isReady(): Promise<boolean> {
    return fetch(`${this.address}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  }
}
