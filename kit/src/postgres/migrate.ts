import { readdir, readFile } from 'node:fs/promises';
import type { Database } from './database.ts';

/** One folder of `NNN_what.sql` files; `name` keeps folders apart in the table of what was applied. */
export type MigrationSet = { readonly name: string; readonly folder: URL };

const lockKey = 7_415_188_400;

/**
 * Applies what is not applied yet, forward only, all in one transaction under an advisory lock: two processes that start
 * together migrate once. A file that was changed after it was applied is an error: write a new one.
 */
export async function migrate(database: Database, sets: readonly MigrationSet[]): Promise<number> {
  const files = (await Promise.all(sets.map(readSet))).flat();
  return database.transaction(async (tx) => {
    await tx.query('set local statement_timeout = 0');
    await tx.query('set local lock_timeout = 60000');
    await tx.query('select pg_advisory_xact_lock($1)', [lockKey]);
    await tx.query(
      'create table if not exists migration (name text primary key, sql text not null, at timestamptz not null default now())',
    );
    const applied = new Map(
      (await tx.query<{ name: string; sql: string }>('select name, sql from migration')).map((row) => [
        row.name,
        row.sql,
      ]),
    );
    let count = 0;
    for (const { name, sql } of files) {
      const before = applied.get(name);
      if (before === sql) continue;
      if (before !== undefined) throw new Error(`The migration ${name} was changed after it was applied.`);
      await tx.query(sql);
      await tx.query('insert into migration (name, sql) values ($1, $2)', [name, sql]);
      count++;
    }
    return count;
  });
}

async function readSet({ name, folder }: MigrationSet): Promise<{ name: string; sql: string }[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).toSorted();
  return Promise.all(
    files.map(async (file) => ({
      name: `${name}/${file.slice(0, -'.sql'.length)}`,
      sql: await readFile(new URL(file, folder), 'utf8'),
    })),
  );
}
