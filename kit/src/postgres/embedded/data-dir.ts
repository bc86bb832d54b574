import * as fs from 'node:fs/promises';
import { resolve } from 'node:path';
import { CannotStart } from './server-user.ts';

/** Creates the folder unless it exists and returns its real path, by which processes on it are recognised. */
export async function openDataDir(path: string): Promise<string> {
  const dataDir = resolve(path);
  try {
    await fs.mkdir(dataDir, { recursive: true });
    await fs.access(dataDir, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
    return await fs.realpath(dataDir);
  } catch (error) {
    throw inOneSentence(dataDir, error);
  }
}

// Messages of the system begin with its code; those of PostgreSQL and SQLite are in words.
const problems = [
  [/^ENOSPC|No space left on device|disk is full/, 'is on a disk that is full'],
  [/^EROFS|Read-only file system/, 'is on a read-only file system'],
  [/^EACCES|^EPERM|unable to open database|readonly database/, 'cannot be written by this user'],
  [/^EEXIST|^ENOTDIR/, 'is not a folder'],
  [/^ENOENT: .* mkdir/, 'cannot be created'],
] as const;

/** What the user of a data directory can do something about, told without the words of the system. */
export function inOneSentence(dataDir: string, cause: unknown): unknown {
  if (!(cause instanceof Error)) return cause;
  const problem = problems.find(([pattern]) => pattern.test(cause.message))?.[1];
  return problem ? new CannotStart(`The data directory ${dataDir} ${problem}.`, { cause }) : cause;
}
