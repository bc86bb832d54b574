import { concertMigrations } from '@tutti/concert';
import { loadSeason, markLoaded, readSeason, SeasonFault } from '@tutti/concert/season';
import { Database, migrate, startEmbedded, type Connection } from '@tutti/kit/postgres';
import { whenParentLeaves } from '@tutti/kit/service';
import path from 'node:path';
import { runningServer } from './running-server.ts';

const usage = 'Usage: npm run season -- FILE   (seasons/demo.yaml explains the format)';

type Target = { connection: Connection; stop: () => Promise<void> };

/** The concert database: the one CONCERT_URL names, that of a running system, or one started for the time of the load. */
async function findTarget(env: Readonly<Record<string, string | undefined>>): Promise<Target> {
  const url = env['CONCERT_URL'];
  if (url) return { connection: { url }, stop: async () => {} };
  const dataDir = path.resolve(env['DATA_DIR'] || './data');
  const running = await runningServer(dataDir);
  if (running) return { connection: running('concert'), stop: async () => {} };
  const postgres = await startEmbedded({ dataDir, log: () => {}, waitSeconds: 1 });
  await postgres.ensureDatabase('concert');
  return { connection: postgres.connection('concert'), stop: () => postgres.stop() };
}

async function main(): Promise<number> {
  const [file, ...rest] = process.argv.slice(2);
  if (!file || rest.length > 0) {
    process.stderr.write(`${usage}\n`);
    return 2;
  }
  const season = await readSeason(file);
  const target = await findTarget(process.env);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => void target.stop().finally(() => process.exit(1)));
  whenParentLeaves(() => void target.stop().finally(() => process.exit(1)));
  const database = new Database(target.connection, { statementTimeoutMs: 120_000 });
  try {
    await migrate(database, concertMigrations);
    // A system whose first season this is has no use for the demo's.
    await markLoaded(database);
    const { concerts, performances, seats, changed } = await loadSeason(database, season);
    const what = `${concerts} concerts, ${performances} performances, ${seats} seats`;
    process.stdout.write(`The season is loaded: ${what}; ${changed} of them new or changed.\n`);
    return 0;
  } finally {
    await database.close();
    await target.stop();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  const sentences =
    error instanceof SeasonFault ? error.faults : [error instanceof Error ? error.message : String(error)];
  process.stderr.write(`${sentences.join('\n')}\nThe season was not loaded, or not all of it.\n`);
  process.exitCode = 1;
}
