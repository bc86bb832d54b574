import { until } from '@tutti/kit/testing';
import { databaseNames } from '@tutti/standalone/system';
import type { House } from './house.ts';

/** Renewed all the time, whatever fans do. */
const leases = ['driver', 'lease'];

/** Every table of every database: how many rows it has, and a digest of what they say. */
export async function contentsOf(
  { databases }: Pick<House, 'databases'>,
  except: readonly string[] = [],
): Promise<Record<string, string>> {
  // An answer may be told a moment before the final row of its saga is written.
  await until('no saga is open', async () => {
    const open = await databases.orchestrator.query('select 1 from saga where ended_at is null limit 1');
    return open.length === 0;
  });
  const contents: Record<string, string> = {};
  for (const name of databaseNames) {
    const tables = await databases[name].query<{ table: string }>(
      `select tablename as "table" from pg_tables
       where schemaname = 'public' and tablename <> all ($1) order by 1`,
      [[...leases, ...except]],
    );
    for (const { table } of tables) {
      const [row] = await databases[name].query<{ told: string }>(
        `select count(*) || ' ' || md5(coalesce(string_agg(t::text, '' order by t::text), '')) as told from ${table} t`,
      );
      contents[`${name}.${table}`] = row?.told ?? '';
    }
  }
  return contents;
}
