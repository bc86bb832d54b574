import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import {
  Database,
  migrate,
  type Connection,
  type DatabaseOptions,
  type MigrationSet,
} from '../postgres/index.ts';

export type TestDatabase = { connection: Connection; database: Database; drop(): Promise<void> };

/** A new, empty database with these migrations applied. */
export async function testDatabase(
  sets: readonly MigrationSet[] = [],
  options: DatabaseOptions = {},
): Promise<TestDatabase> {
  const server = inject('postgres');
  const name = `test_${randomBytes(6).toString('hex')}`;
  const admin = new Database(
    { ...server, database: 'postgres' },
    { connectionsMax: 1, statementTimeoutMs: 60_000 },
  );
  await admin.query(`create database ${name}`);
  const connection = { ...server, database: name };
  const database = new Database(connection, options);
  await migrate(database, sets);
  return {
    connection,
    database,
    drop: async () => {
      await database.close();
      await admin.query(`drop database ${name} with (force)`);
      await admin.close();
    },
  };
}
