import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { shelterOf } from './cluster.ts';
import { gatherCrowd, type Crowd } from './crowd.ts';
import type { Endings } from './endings.ts';
import type { Options } from './options.ts';
import { Partner } from './partner.ts';
import type { SystemRun } from './results.ts';
import { runSystem, type Plan } from './run.ts';
import type { Surroundings, System } from './system.ts';
import { systems as allSystems } from './systems/index.ts';

const raceSeats = 100;
const raceClients = 64;
// Nothing may run out while a slow system is still being asked.
const holdSeconds = 3_600;

type Say = (line: string) => void;

/** Runs the systems in turn, round by round, and tells what came out. Returns the exit code: 0 when every check held. */
export async function compare(options: Options, endings: Endings, say: Say): Promise<number> {
  const plan = planOf(options);
  const chosen = await available(options.systems, say);
  const crowd = gatherCrowd(Math.max(plan.seats.main, plan.seats.warmUp, raceSeats * raceClients));
  const runs: SystemRun[] = [];
  const failed = new Set<string>();
  for (let round = 1; round <= options.rounds; round++) {
    for (const system of chosen) {
      const prefix = `round ${round}/${options.rounds} ${system.name}`;
      const tell = (line: string) => say(`${prefix}: ${line}`);
      if (failed.has(system.name)) continue;
      tell(system.title);
      try {
        runs.push(await runOnce(system, round, { crowd, plan, endings, say: tell }));
      } catch (error) {
        // The others are still worth knowing; this one would fail again.
        failed.add(system.name);
        tell(
          `failed and is left out from here on: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    }
  }
  if (options.json) process.stdout.write(`${JSON.stringify(runs)}\n`);
  return failed.size > 0 || runs.some(({ violations }) => violations.length > 0) ? 1 : 0;
}

export function planOf({ clients, secondsMax, warmUpSeconds, seats, quick }: Options): Plan {
  return {
    clients,
    secondsMax,
    warmUpSeconds,
    seats: { main: seats, warmUp: Math.min(seats, 20_000), race: raceSeats },
    raceClients,
    settles: !quick,
  };
}

/** Those asked for, or all; what cannot be had here is left out with a sentence. */
async function available(names: readonly string[] | null, say: Say): Promise<System[]> {
  const unknown = names?.filter((name) => !allSystems.some((system) => system.name === name)) ?? [];
  if (unknown.length > 0)
    throw new Error(
      `There is no system ${unknown.join()}: there are ${allSystems.map(({ name }) => name).join()}.`,
    );
  const found: System[] = [];
  for (const system of allSystems) {
    if (names && !names.includes(system.name)) continue;
    try {
      await system.prepare?.(say);
      found.push(system);
    } catch (error) {
      say(`${system.name} is left out: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return found;
}

type Stage = { crowd: Crowd; plan: Plan; endings: Endings; say: Say };

/** A fresh cluster, a fresh partner, one run; whatever happens, nothing of it stays. */
async function runOnce(
  system: System,
  round: number,
  { crowd, plan, endings, say }: Stage,
): Promise<SystemRun> {
  const { surroundings, partner, end } = await surround(crowd, endings);
  try {
    const running = await system.start(surroundings);
    const stop = endings.add(system.name, () => running.stop());
    try {
      return await runSystem({ system, round, running, partner, crowd, plan, say });
    } finally {
      await stop();
    }
  } finally {
    await end();
  }
}

/** A folder and a partner of their own for one run, and how to end them. */
export async function surround(crowd: Crowd, endings: Endings) {
  const partner = await Partner.start();
  const stopPartner = endings.add('the partner', () => partner.stop());
  const parent = await mkdtemp(path.join(tmpdir(), 'tutti-bench-'));
  const folder = path.join(parent, 'data');
  const removeFolder = endings.add(parent, async () => {
    const shelter = shelterOf(folder);
    if (shelter !== undefined) await rm(shelter, { recursive: true, force: true });
    await rm(parent, { recursive: true, force: true });
  });
  // PostgreSQL runs as another user when this is root, and has to get in.
  await chmod(parent, 0o755);
  await mkdir(folder, { mode: 0o755 });
  const surroundings: Surroundings = {
    folder,
    partnerUrl: partner.url,
    partnerSecret: partner.secret,
    accessTokenKey: crowd.accessTokenKey,
    holdSeconds,
  };
  const end = async () => {
    await stopPartner();
    await removeFolder();
  };
  return { surroundings, partner, end };
}
