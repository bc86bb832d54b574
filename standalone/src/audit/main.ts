import { whenParentLeaves } from '@tutti/kit/service';
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { audit, sayUnrest } from './audit.ts';
import { CannotAudit, findPlace } from './databases.ts';
import { readHistory } from './history.ts';
import { sayResult, saySummary } from './report.ts';

const usage = 'Usage: npm run audit [-- [--json] [--wait SECONDS] [--history FILE]]';
const sayEveryMs = 2_000;

type Arguments = { json: boolean; waitSeconds: number; historyFile: string | undefined };

function readArguments(): Arguments {
  try {
    const { values } = parseArgs({
      options: { json: { type: 'boolean' }, wait: { type: 'string' }, history: { type: 'string' } },
    });
    const { json = false, wait = '0', history } = values;
    if (!/^\d{1,6}$/.test(wait)) throw new Error(`--wait takes seconds, not "${wait}".`);
    if (history !== undefined && !existsSync(history)) throw new Error(`There is no history ${history}.`);
    return { json, waitSeconds: Number(wait), historyFile: history };
  } catch (error) {
    throw new CannotAudit(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  }
}

/** Exit 0: all that could be checked hold. 1: something is broken, or not everything has drained. 2: nothing was audited. */
async function main(): Promise<number> {
  const { json, waitSeconds, historyFile } = readArguments();
  const history = historyFile === undefined ? undefined : await readHistory(historyFile);
  const place = await findPlace(process.env);
  // At once, in the middle of a statement: nothing was written, and a PostgreSQL of ours leaves with its parent.
  const leave = () => {
    process.stderr.write('The audit was stopped.\n');
    process.exit(2);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, leave);
  whenParentLeaves(leave);
  try {
    let saidAt = 0;
    const report = await audit({
      ...place,
      history,
      waitSeconds,
      onWait: (unrest) => {
        if (Date.now() < saidAt + sayEveryMs) return;
        saidAt = Date.now();
        process.stderr.write(`Waiting: ${sayUnrest(unrest)} …\n`);
      },
      onResult: (result) => {
        if (!json) process.stdout.write(sayResult(result));
      },
    });
    process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : saySummary(report));
    return report.ok ? 0 : 1;
  } finally {
    await place.close();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(
    `The audit could not be made: ${error instanceof Error ? error.message : String(error)}\n`,
  );
  process.exitCode = 2;
}
