import type { Queryable } from '../postgres/index.ts';

/**
 * How many rows and index entries `work` read from the database's tables, by PostgreSQL's own count. `session` has to be the
 * one connection that does the work: each tells what it read itself, when it is asked.
 */
export async function rowsRead(session: Queryable, work: () => Promise<unknown>): Promise<number> {
  const before = await count(session);
  await work();
  return (await count(session)) - before;
}

async function count(session: Queryable): Promise<number> {
  await session.query('select pg_stat_force_next_flush()');
  const [row] = await session.query<{ read: number }>(
    `select (select coalesce(sum(seq_tup_read), 0) from pg_stat_user_tables)::bigint
          + (select coalesce(sum(idx_tup_read), 0) from pg_stat_user_indexes)::bigint as read`,
  );
  if (!row) throw new Error('The counters gave no row.');
  return row.read;
}
