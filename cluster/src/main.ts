import { CannotStart } from '@tutti/kit/postgres';
import { ConfigurationError, createLog, LogFile, whenParentLeaves } from '@tutti/kit/service';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { startCluster, type Cluster } from './cluster.ts';
import { readClusterConfig } from './config.ts';

const say = (sentence: string): void => {
  process.stdout.write(`${sentence}\n`);
};
const complain = (sentence: string): void => {
  process.stderr.write(`${sentence}\n`);
};

async function main(): Promise<void> {
  const config = readClusterConfig(process.env);
  await mkdir(config.dataDir, { recursive: true });
  const logFile = path.join(config.dataDir, 'tutti.log');
  const output = new LogFile(logFile, complain);
  // One log for all of them: every line names its service and its replica.
  const log = createLog(config.logLevel, output).child({ service: 'cluster' });
  let cluster: Cluster | undefined;
  let leaving: Promise<void> | undefined;
  const leave = (why: string, code: number) => {
    leaving ??= (async () => {
      log.info({ why }, 'stopping');
      await (await starting.catch(() => cluster))?.stop();
      log.info('stopped');
      await output.close();
    })();
    void leaving.then(
      () => process.exit(code),
      () => process.exit(1),
    );
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => leave(signal, 0));
  whenParentLeaves(() => leave('the parent process left', 1));

  const starting = startCluster(config, log, (line) => output.write(`${line}\n`), say);
  try {
    cluster = await starting;
    const { address, replicas } = cluster;
    say(
      `tutti is open at ${address}: ${replicas.length} processes (the API at ${address}/docs, one log for all of them in ${logFile})`,
    );
    void cluster.broken.then((sentence) => {
      if (leaving) return;
      complain(`${sentence}. Start again; nothing accepted is lost.`);
      leave(sentence, 1);
    });
  } catch (error) {
    if (leaving) return;
    const sentence = error instanceof Error ? error.message : String(error);
    complain(`tutti could not start: ${sentence} The log is ${logFile}.`);
    log.fatal({ error }, 'could not start');
    leave('could not start', 1);
  }
}

await main().catch((error: unknown) => {
  if (!(error instanceof ConfigurationError || error instanceof CannotStart)) throw error;
  complain(`tutti could not start: ${error.message}`);
  process.exitCode = 1;
});
