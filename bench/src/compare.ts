import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gatherCrowd } from './crowd.ts';
import type { Endings } from './endings.ts';
import type { Options } from './options.ts';
import { figuresChart } from './report/chart.ts';
import { describeMachine, describePostgres } from './report/machine.ts';
import { figuresPage } from './report/markdown.ts';
import type { Figures, SystemRun } from './report/results.ts';
import { planOf, raceClients, raceSeats, runSystem, type Plan } from './run.ts';
import { root } from './server-process.ts';
import { removeRemains, withRunning } from './surroundings.ts';
import type { System } from './system.ts';
import { systems as allSystems } from './systems/index.ts';

type Say = (line: string) => void;

/** Runs the systems in turn, round by round, and tells what came out. Returns the exit code: 0 when every check held. */
export async function compare(options: Options, endings: Endings, say: Say): Promise<number> {
  const plan = planOf(options);
  await removeRemains();
  const { chosen, leftOut } = await available(options.systems, say);
  const crowd = gatherCrowd(Math.max(plan.seats.main, plan.seats.warmUp, raceSeats * raceClients));
  const runs: SystemRun[] = [];
  const failed = new Map<string, string>();
  let postgres = '';
  for (let round = 1; round <= options.rounds; round++) {
    for (const system of chosen) {
      const prefix = `round ${round}/${options.rounds} ${system.name}`;
      const tell = (line: string) => say(`${prefix}: ${line}`);
      if (failed.has(system.name)) continue;
      tell(system.title);
      try {
        const run = await withRunning(system, crowd, endings, async (running, partner) => {
          postgres ||= await describePostgres(running);
          return runSystem({ system, round, running, partner, crowd, plan, say: tell });
        });
        runs.push(run);
      } catch (error) {
        if (endings.isOver) throw error;
        // The others are still worth knowing; this one would fail again.
        const reason = error instanceof Error ? error.message : String(error);
        failed.set(system.name, `${system.title}, from round ${round} on: ${reason}`);
        tell(`failed and is left out from here on: ${reason}`);
      }
    }
  }
  const figures = await figuresOf(options, plan, {
    runs,
    chosen,
    leftOut: [...leftOut, ...failed.values()],
    postgres,
  });
  if (options.json) process.stdout.write(`${JSON.stringify(figures)}\n`);
  else process.stdout.write(figuresPage(figures));
  if (options.write) await write(figures, say);
  return failed.size > 0 || runs.some(({ violations }) => violations.length > 0) ? 1 : 0;
}

type Outcome = {
  runs: readonly SystemRun[];
  chosen: readonly System[];
  leftOut: readonly string[];
  postgres: string;
};

async function figuresOf(
  options: Options,
  plan: Plan,
  { runs, chosen, leftOut, postgres }: Outcome,
): Promise<Figures> {
  const versions = await Promise.all(chosen.map((system) => system.versions()));
  return {
    at: new Date().toISOString(),
    command: ['npm run bench', ...(options.given.length > 0 ? ['--', ...options.given] : [])].join(' '),
    machine: describeMachine(),
    versions: [...new Set([`Node.js ${process.versions.node}`, postgres, ...versions.flat()])],
    rounds: options.rounds,
    seats: plan.seats.main,
    secondsMax: plan.secondsMax,
    clients: plan.clients,
    systems: chosen.map(({ name, title }) => ({ name, title })),
    runs,
    leftOut,
  };
}

async function write(figures: Figures, say: Say): Promise<void> {
  const docs = path.join(root, 'docs');
  await mkdir(docs, { recursive: true });
  await writeFile(path.join(docs, 'figures.md'), figuresPage(figures));
  await writeFile(path.join(docs, 'figures.svg'), figuresChart(figures));
  say('docs/figures.md and docs/figures.svg were written');
}

/** Those asked for, or all; what cannot be had here is left out with a sentence. */
async function available(
  names: readonly string[] | null,
  say: Say,
): Promise<{ chosen: System[]; leftOut: string[] }> {
  const unknown = names?.filter((name) => !allSystems.some((system) => system.name === name)) ?? [];
  if (unknown.length > 0)
    throw new Error(
      `There is no system ${unknown.join()}: there are ${allSystems.map(({ name }) => name).join()}.`,
    );
  const chosen: System[] = [];
  const leftOut: string[] = [];
  for (const system of allSystems) {
    if (names && !names.includes(system.name)) continue;
    try {
      await system.prepare?.(say);
      chosen.push(system);
    } catch (error) {
      leftOut.push(`${system.title}: ${error instanceof Error ? error.message : String(error)}`);
      say(`left out: ${leftOut.at(-1)}`);
    }
  }
  return { chosen, leftOut };
}
