// Where a cluster lives: in the data directory, or, where the server's user cannot enter that, in a place outside which
// the data directory names.

import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packagedBinaries, runnableBinaries } from './binaries.ts';
import { endProcesses } from './postmaster.ts';
import { CannotStart, canWriteIn, privateFolder, serverUser, type ServerUser } from './server-user.ts';

export interface Placement {
  /** Folder that holds bin/, lib/ and share/. */
  readonly binaries: string;
  /** Folder that holds the cluster and what belongs beside it. */
  readonly home: string;
  /** The data directory of PostgreSQL. */
  readonly cluster: string;
  readonly user: ServerUser;
}

// Outside of every private home, and still there after a reboot.
const sharedFolder = '/var/lib/tutti';
const locationFile = 'postgres-location';
const unfinishedPrefix = 'postgres.new-';
export const socketPort = 5432;
const socketFile = `.s.PGSQL.${socketPort}`;

/** `dataDir` is a real path (no symbolic links) which this process may write. */
export async function place(
  dataDir: string,
  log: (message: string, details?: object) => void,
): Promise<Placement> {
  const named = await readLocation(dataDir);
  const user = await serverUser(join(named ?? dataDir, 'postgres'));
  const home = named ?? (await homeFor(dataDir, user));
  const packaged = packagedBinaries();
  const binaries = await runnableBinaries(packaged, user ? sharedFolder : home, user);
  if (user && (home !== dataDir || binaries !== packaged)) {
    log(
      `PostgreSQL keeps files in ${sharedFolder}, because it runs as ${user.name}, who cannot enter this checkout`,
      {
        home,
        binaries,
      },
    );
  }
  return { binaries, home, cluster: join(home, 'postgres'), user };
}

async function homeFor(dataDir: string, user: ServerUser): Promise<string> {
  if (!user || existsSync(join(dataDir, 'postgres')) || (await canHold(dataDir, user))) return dataDir;
  return homeElsewhere(dataDir);
}

async function canHold(dataDir: string, user: ServerUser): Promise<boolean> {
  // Some file systems have no owners: chown fails there.
  const probe = await unfinishedFolder(dataDir, user).catch(() => undefined);
  if (probe === undefined) return false;
  try {
    return await canWriteIn(probe, user);
  } finally {
    await fs.rmdir(probe);
  }
}

async function homeElsewhere(dataDir: string): Promise<string> {
  const clusters = join(sharedFolder, 'clusters');
  const home = join(clusters, randomBytes(8).toString('hex'));
  for (const folder of [sharedFolder, clusters, home]) await ownFolder(folder);
  await syncFolder(clusters);
  // Named before it is filled: a first start that was killed goes on in the same place instead of leaving it behind.
  const temporary = join(dataDir, `${locationFile}.new`);
  await fs.writeFile(temporary, `${home}\n`, { flush: true });
  await fs.rename(temporary, join(dataDir, locationFile));
  await syncFolder(dataDir);
  return home;
}

async function ownFolder(folder: string): Promise<void> {
  await fs.mkdir(folder, { recursive: true });
  const { uid } = await fs.lstat(folder);
  // Whoever owns the folder could exchange the programs in it.
  if (uid !== 0)
    throw new CannotStart(`The folder ${folder} belongs to another user and is not safe to use.`);
  await fs.chmod(folder, 0o755);
}

async function readLocation(dataDir: string): Promise<string | undefined> {
  const file = join(dataDir, locationFile);
  if (!existsSync(file)) return undefined;
  const home = (await fs.readFile(file, 'utf8')).trim();
  // Beginning with an empty database instead would look like lost data.
  if (!existsSync(home)) {
    throw new CannotStart(
      `The database should be in ${home}, as ${file} says, but there is nothing: restore it.`,
    );
  }
  return home;
}

/** A folder which the next start removes, unless it got its real name before this process was killed. */
export function unfinishedFolder(home: string, user: ServerUser): Promise<string> {
  return privateFolder(join(home, unfinishedPrefix), user);
}

/** A killed first start leaves an unfinished folder, and perhaps an initdb that still writes into it. */
export async function removeUnfinished(home: string): Promise<void> {
  for (const name of await fs.readdir(home)) {
    if (!name.startsWith(unfinishedPrefix)) continue;
    await endProcesses(join(home, name));
    await fs.rm(join(home, name), { recursive: true, force: true });
  }
}

/**
 * A fresh folder for the socket, in the system's temporary one: the path of a socket may have about a hundred bytes only.
 * Those of killed owners of the same home are removed, which its name tells.
 */
export async function makeSocketDir(home: string, user: ServerUser): Promise<string> {
  const prefix = `tutti-${createHash('sha256').update(home).digest('hex').slice(0, 8)}-`;
  for (const folder of new Set([tmpdir(), '/tmp', home])) {
    const names = await fs.readdir(folder).catch(() => []);
    for (const name of names.filter((entry) => entry.startsWith(prefix)))
      await removeSocketDir(join(folder, name));
    const socketDir = await socketDirIn(folder, prefix, user);
    if (socketDir !== undefined) return socketDir;
  }
  throw new CannotStart(
    `There is no folder for the socket of PostgreSQL: neither ${tmpdir()} nor /tmp can be used.`,
  );
}

async function socketDirIn(folder: string, prefix: string, user: ServerUser): Promise<string | undefined> {
  const longestBytes = process.platform === 'darwin' ? 103 : 107;
  if (Buffer.byteLength(join(folder, `${prefix}XXXXXX`, socketFile)) > longestBytes) return undefined;
  const socketDir = await privateFolder(join(folder, prefix), user).catch(() => undefined);
  if (socketDir === undefined || (await canWriteIn(socketDir, user))) return socketDir;
  await fs.rmdir(socketDir);
  return undefined;
}

/** Removes the socket, and its folder if nothing else is in it: a name alone does not say whose it is. */
export async function removeSocketDir(socketDir: string): Promise<void> {
  try {
    for (const file of [socketFile, `${socketFile}.lock`])
      await fs.rm(join(socketDir, file), { force: true });
    await fs.rmdir(socketDir);
  } catch {
    // Gone already, or not ours.
  }
}

/** A rename is durable once the folder that holds the name is. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await fs.open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
