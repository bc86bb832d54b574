import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { shelterOf } from './cluster.ts';
import type { Crowd } from './crowd.ts';
import type { Endings } from './endings.ts';
import { Partner } from './partner.ts';
import { isAlive } from './processes.ts';
import type { RunningSystem, Surroundings, System } from './system.ts';

// Nothing may run out while a slow system is still being asked.
const holdSeconds = 3_600;
const prefix = 'tutti-bench-';

/**
 * A system on a fresh cluster with a fresh partner, for as long as `work` takes. Whatever happens, nothing of it stays: what a
 * signal meets half started is ended when it has started.
 */
export const withRunning = <T>(
  system: System,
  crowd: Crowd,
  endings: Endings,
  work: (running: RunningSystem, partner: Partner, folder: string) => Promise<T>,
): Promise<T> =>
  withFolder(endings, async (folder) => {
    const starting = Partner.start();
    const stopPartner = endings.add('the partner', async () =>
      (await starting.catch(() => undefined))?.stop(),
    );
    try {
      const partner = await starting;
      const opening = system.start(surroundingsWith(partner, crowd, folder));
      const stop = endings.add(system.name, async () => (await opening.catch(() => undefined))?.stop());
      try {
        return await work(await opening, partner, folder);
      } finally {
        await stop();
      }
    } finally {
      await stopPartner();
    }
  });

/** A folder for the data of whatever `work` starts, and nothing of it afterwards. */
export async function withFolder<T>(endings: Endings, work: (folder: string) => Promise<T>): Promise<T> {
  if (endings.isOver) throw new Error('The benchmark is leaving.');
  const removeFolder = endings.add('the data folder', () => removeFolders(`${prefix}${process.pid}-`));
  try {
    const parent = await mkdtemp(path.join(tmpdir(), `${prefix}${process.pid}-`));
    // PostgreSQL runs as another user when this is root, and has to get in.
    await chmod(parent, 0o755);
    const folder = path.join(parent, 'data');
    await mkdir(folder, { mode: 0o755 });
    return await work(folder);
  } finally {
    await removeFolder();
  }
}

const surroundingsWith = (partner: Partner, { accessTokenKey }: Crowd, folder: string): Surroundings => ({
  folder,
  partnerUrl: partner.url,
  partnerSecret: partner.secret,
  accessTokenKey,
  holdSeconds,
});

/** What runs left that were killed: gigabytes, and nobody else would take them away. */
export async function removeRemains(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await removeFolders(`${prefix}${pid}-`);
  }
}

async function removeFolders(start: string): Promise<void> {
  for (const name of (await readdir(tmpdir())).filter((one) => one.startsWith(start))) {
    const folder = path.join(tmpdir(), name);
    const shelter = shelterOf(path.join(folder, 'data'));
    if (shelter !== undefined) await rm(shelter, { recursive: true, force: true });
    await rm(folder, { recursive: true, force: true });
  }
}
