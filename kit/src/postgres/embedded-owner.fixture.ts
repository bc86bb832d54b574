// A process that owns an embedded PostgreSQL, for tests that kill it. Arguments: data directory, seconds to wait.
// Writes what happens as lines: `log …`, `ready <socket folder> <pid>`, `failed <name> <message>`, `exited <message>`.

import { startEmbedded } from './embedded.ts';

const [dataDir = '', waitSeconds = '10'] = process.argv.slice(2);
const say = (line: string) => process.stdout.write(`${line}\n`);

try {
  const postgres = await startEmbedded({
    dataDir,
    waitSeconds: Number(waitSeconds),
    log: (message, details) => say(`log ${message} ${JSON.stringify(details ?? {})}`),
  });
  process.once('SIGTERM', () => void postgres.stop());
  // A terminal sends it to everybody at once; the owner of this fixture only wants to see that the server stays.
  process.on('SIGINT', () => say('interrupted'));
  void postgres.exited.then((error) => say(`exited ${error.message}`));
  say(`ready ${postgres.socketDir}`);
} catch (error) {
  say(error instanceof Error ? `failed ${error.name} ${error.message}` : 'failed');
  process.exitCode = 3;
}
