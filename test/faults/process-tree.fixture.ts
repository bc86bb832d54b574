// What a process that npm starts looks like: it owns a PostgreSQL and ends it in order when it is told to, or when those
// who started it are gone. Argument: the data directory.

import { startEmbedded } from '../../kit/src/postgres/embedded.ts';
import { whenParentLeaves } from '../../kit/src/service/parent.ts';

const say = (line: string) => process.stdout.write(`${line}\n`);
// Nobody may be left to read it.
process.stdout.on('error', () => undefined);

const postgres = await startEmbedded({ dataDir: process.argv[2] ?? '', log: () => undefined });
const stop = async (why: string) => {
  say(`stopping ${why}`);
  await postgres.stop();
  say('stopped');
  process.exit(0);
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void stop(signal));
whenParentLeaves(() => void stop('alone'));
say('ready');
