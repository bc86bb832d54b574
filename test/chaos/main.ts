import { whenParentLeaves } from '@tutti/kit/service';
import { parseArgs } from 'node:util';
import { faults, faultsAlone } from './faults/index.ts';
import { playAlone, playChaos } from './play.ts';
import type { Verdict } from './stage.ts';

const usage = `Usage: npm run chaos -- [--minutes M] [--seed N]
       npm run faults -- [--only NAME] [--target NAME] [--seed N] [--list]`;

const say = (sentence: string): void => {
  process.stdout.write(`${sentence}\n`);
};

function sayVerdict(what: string, verdict: Verdict): void {
  const { seed, seconds, operations, drainSeconds, counts, wrong } = verdict;
  const rate = Math.round(operations / seconds);
  const drained = drainSeconds.toFixed(1);
  say(
    `${wrong.length === 0 ? 'ok' : 'BROKEN'}: ${what}, seed ${seed}: ${operations} operations (${rate}/s), drained in ${drained} s`,
  );
  for (const [name, times] of [...counts].toSorted(([a], [b]) => a.localeCompare(b)))
    say(`  ${String(times).padStart(7)}  ${name}`);
  for (const sentence of wrong) say(`  WRONG  ${sentence}`);
}

const operationsPerSecondMin = 50;

async function chaos(minutes: number, seed: number, signal: AbortSignal): Promise<boolean> {
  const verdict = await playChaos(faults, { minutes, seed, say, signal });
  sayVerdict(`${minutes} minutes of chaos`, verdict);
  const rate = verdict.operations / verdict.seconds;
  if (rate < operationsPerSecondMin) say(`  WRONG  less than ${operationsPerSecondMin} operations a second`);
  return verdict.wrong.length === 0 && rate >= operationsPerSecondMin;
}

async function alone(only: string | undefined, wanted: string | undefined, seed: number): Promise<boolean> {
  const chosen = [...faults, ...faultsAlone].filter(({ name }) => only === undefined || name === only);
  if (chosen.length === 0) throw new Error(`There is no fault "${only}". --list names them.`);
  let isGood = true;
  for (const fault of chosen)
    for (const target of fault.targets.filter((one) => wanted === undefined || one === wanted)) {
      const verdict = await playAlone(fault, target, seed);
      sayVerdict(`${fault.name} → ${target}`, verdict);
      isGood &&= verdict.wrong.length === 0;
    }
  return isGood;
}

async function main(): Promise<boolean> {
  const [form, ...args] = process.argv.slice(2);
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args,
    options: { minutes: text, seed: text, only: text, target: text, list: { type: 'boolean' } },
  });
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  const minutes = Number(values.minutes ?? 2);
  if (!Number.isInteger(seed) || !(minutes > 0)) throw new Error(usage);
  if (values.list) {
    for (const { name, targets, promise } of [...faults, ...faultsAlone])
      say(`${name} (${targets.join(', ')}): ${promise}`);
    return true;
  }
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  whenParentLeaves(() => stopping.abort());
  return form === 'chaos' ? chaos(minutes, seed, stopping.signal) : alone(values.only, values.target, seed);
}

main().then(
  (isGood) => process.exit(isGood ? 0 : 1),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  },
);
