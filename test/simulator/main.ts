import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { addTo, neverMet } from './met.ts';
import { play } from './play.ts';
import type { Report, Share } from './worker.ts';

const usage = `npm run simulate -- [options]
  --seeds N     how many worlds (1000)
  --from N      the first seed (1)
  --workers N   threads (2)
  --seed N      one world only: prints its hash, and with --trace everything that happened in it`;

/** Below so many worlds a branch may be missing by chance. */
const enough = 400;
const sayEveryMs = 10_000;

type Options = { seeds: number; from: number; workers: number; seed: number | undefined; trace: boolean };

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '1000' },
      from: { type: 'string', default: '1' },
      workers: { type: 'string', default: '2' },
      seed: { type: 'string' },
      trace: { type: 'boolean', default: false },
    },
  });
  const { seeds, from, workers, seed, trace } = values;
  const whole = (name: string, text: string): number => {
    if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`--${name} takes whole numbers from 1, not "${text}".`);
    return Number(text);
  };
  return {
    seeds: whole('seeds', seeds),
    from: whole('from', from),
    workers: whole('workers', workers),
    seed: seed === undefined ? undefined : whole('seed', seed),
    trace,
  };
}

async function playOne(seed: number, trace: boolean): Promise<boolean> {
  const { hash, wrong, lines, happened, virtualMs } = await play(seed);
  if (trace) process.stdout.write(`${lines.join('\n')}\n`);
  for (const one of wrong) process.stdout.write(`WRONG ${one}\n`);
  process.stdout.write(
    `seed ${seed}: ${hash}, ${happened} happenings in ${virtualMs / 1_000} virtual seconds\n`,
  );
  return wrong.length === 0;
}

async function playAll({ seeds, from, workers }: Options): Promise<boolean> {
  const counts = new Map<string, number>();
  let [played, failed, virtualMs, saidAt] = [0, 0, 0, Date.now()];
  const begunAt = Date.now();
  const hear = (report: Report): void => {
    played++;
    virtualMs += report.virtualMs;
    addTo(counts, report.counts);
    if (report.wrong.length > 0) {
      failed++;
      process.stdout.write(sayFailure(report));
    }
    if (Date.now() < saidAt + sayEveryMs) return;
    saidAt = Date.now();
    process.stderr.write(`${played} of ${seeds} seeds, ${failed} failed …\n`);
  };
  const shares = Array.from({ length: workers }, (_, at): Share => {
    return { from: from + at, upTo: from + seeds - 1, stride: workers };
  });
  await Promise.all(
    shares.map(async (share) => {
      const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: share });
      worker.on('message', hear);
      await once(worker, 'exit');
    }),
  );
  const minutes = (Date.now() - begunAt) / 60_000;
  for (const [what, times] of [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    process.stdout.write(`${String(times).padStart(9)}  ${what}\n`);
  const missing = played < enough ? [] : neverMet(counts, played);
  for (const what of missing) process.stdout.write(`NEVER ${what}\n`);
  process.stdout.write(
    `${played} seeds, ${failed} failed, ${Math.round(played / minutes)} a minute; ` +
      `${Math.round(virtualMs / 60_000 / minutes)} times as fast as time\n`,
  );
  return played === seeds && failed === 0 && missing.length === 0;
}

const sayFailure = ({ seed, wrong }: Report): string =>
  [
    `seed ${seed} failed: npm run simulate -- --seed ${seed} --trace`,
    ...wrong.slice(0, 5).map((one) => `  ${one}`),
    '',
  ].join('\n');

try {
  const options = readOptions();
  const isWell = await (options.seed === undefined ? playAll(options) : playOne(options.seed, options.trace));
  process.exitCode = isWell ? 0 : 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}\n`);
  process.exitCode = 2;
}
