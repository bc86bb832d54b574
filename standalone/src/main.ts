import { ensureSeason } from '@tutti/concert/season';
import { CannotStart, Database, openDataDir, startEmbedded } from '@tutti/kit/postgres';
import { armCrashPoint, ConfigurationError, createLog, LogFile, whenParentLeaves } from '@tutti/kit/service';
import path from 'node:path';
import { readConfig } from './config.ts';
import { databaseNames, startSystem } from './system.ts';

/** What the person at the terminal reads; everything else is in the log file. */
const say = (sentence: string): void => {
  process.stdout.write(`${sentence}\n`);
};

const complain = (sentence: string): void => {
  process.stderr.write(`${sentence}\n`);
};

async function main(): Promise<void> {
  const config = readConfig(process.env);
  await openDataDir(config.dataDir);
  const logFile = path.join(config.dataDir, 'tutti.log');
  const output = new LogFile(logFile, complain);
  const log = createLog(config.logLevel, output);
  if (config.crashPoint) {
    armCrashPoint(config.crashPoint);
    log.warn(config.crashPoint, 'this process will die at a crash point');
  }

  let stopping: Promise<void> | undefined;
  let isDatabaseGone = false;
  const steps: (() => Promise<void>)[] = [];
  const stop = (why: string): Promise<void> => {
    stopping ??= (async () => {
      log.info({ why }, 'stopping');
      for (const step of steps.toReversed()) await step();
      log.info('stopped');
      await output.close();
    })();
    return stopping;
  };
  const leave = (why: string, code: number) => {
    void stop(why).then(
      () => process.exit(code),
      () => process.exit(1),
    );
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => leave(signal, 0));
  whenParentLeaves(() => leave('the parent process left', 1));

  try {
    const postgres = await startEmbedded({
      dataDir: config.dataDir,
      log: (message, details) => log.info(details ?? {}, message),
    });
    steps.push(() => postgres.stop());
    void postgres.exited.then((error) => {
      if (stopping) return;
      isDatabaseGone = true;
      log.fatal({ error }, 'PostgreSQL went away');
      complain(`${error.message}. Start again; nothing accepted is lost.`);
      leave('PostgreSQL went away', 1);
    });
    for (const name of databaseNames) await postgres.ensureDatabase(name);
    const season = () => firstSeason(config.seasonFile, new Database(postgres.connection('concert')));
    const system = await startSystem(config, (name) => postgres.connection(name), log, season);
    steps.push(() => system.stop(!isDatabaseGone));
    say(`tutti is open at ${system.address} (the API at ${system.address}/docs, the log in ${logFile})`);
  } catch (error) {
    if (stopping) return;
    const sentence = error instanceof Error ? error.message : String(error);
    complain(`tutti could not start: ${sentence}`);
    log.fatal({ error }, 'could not start');
    leave('could not start', 1);
  }
}

/** Loads the demo season the first time. */
async function firstSeason(file: string, database: Database): Promise<void> {
  try {
    const loaded = await ensureSeason(database, file);
    if (loaded !== null) say(loaded);
  } finally {
    await database.close();
  }
}

await main().catch((error: unknown) => {
  if (!(error instanceof ConfigurationError || error instanceof CannotStart)) throw error;
  complain(`tutti could not start: ${error.message}`);
  process.exitCode = 1;
});
