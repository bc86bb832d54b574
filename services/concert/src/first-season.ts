import type { Database } from '@tutti/kit/postgres';
import { crashPoint } from '@tutti/kit/service';
import { loadSeason } from './season-store.ts';
import { readSeason } from './season.ts';

/**
 * The season of a file, the first time; a start that was killed while loading it goes on where it was. Returns a sentence about
 * what was loaded, null when one was loaded before. Whoever ran `npm run season` has chosen another.
 */
export async function ensureSeason(database: Database, file: string): Promise<string | null> {
  const [row] = await database.query<{ loaded: boolean }>(
    `select to_regclass('loaded_season') is not null as loaded`,
  );
  if (row?.loaded === true) return null;
  const { concerts, performances, seats } = await loadSeason(database, await readSeason(file));
  crashPoint('season.before-mark');
  await markLoaded(database);
  return `The demo season was loaded: ${concerts} concerts, ${performances} performances, ${seats} seats.`;
}

export async function markLoaded(database: Database): Promise<void> {
  await database.query('create table if not exists loaded_season as select now() as at');
}
