// Whom PostgreSQL runs as. It refuses root, and another user often cannot enter the folder root works in (a checkout in
// a 0700 home). Whether that user can do a thing is tried as that user, not computed from mode bits: a trial also sees
// access lists, noexec mounts and missing libraries.

import { execFile } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { promisify } from 'node:util';

/** The embedded server cannot be had; the message is one sentence for whoever started the program. */
export class CannotStart extends Error {
  override name = 'CannotStart';
}

/** Undefined stands for the user of this process. */
export type ServerUser = { readonly name: string; readonly uid: number; readonly gid: number } | undefined;

/** Who runs the server on this data directory, which need not exist yet. */
export async function serverUser(cluster: string): Promise<ServerUser> {
  if (process.getuid?.() !== 0) return undefined;
  const users = (await fs.readFile('/etc/passwd', 'utf8')).split('\n').map((line) => {
    const [name = '', , uid, gid] = line.split(':');
    return { name, uid: Number(uid), gid: Number(gid) };
  });
  // An existing cluster keeps its user: PostgreSQL refuses a data directory of anybody else, and the user `postgres`
  // may have been created after the first start.
  const owner = await fs.stat(cluster).catch(() => undefined);
  const user =
    users.find(({ uid }) => uid !== 0 && uid === owner?.uid) ??
    users.find(({ name }) => name === 'postgres') ??
    users.find(({ name }) => name === 'nobody');
  if (!user)
    throw new CannotStart('PostgreSQL does not run as root, and there is no user postgres or nobody.');
  return user;
}

/** What a child process needs in order to run as that user, in an environment which no PG* variable leaks into. */
export function spawnAs(user: ServerUser) {
  const { PATH, LD_LIBRARY_PATH } = process.env;
  return {
    // The current folder may be one which that user cannot enter.
    cwd: '/',
    env: {
      PATH: [PATH, '/usr/bin:/bin'].filter(Boolean).join(':'),
      LC_ALL: 'C',
      ...(LD_LIBRARY_PATH ? { LD_LIBRARY_PATH } : {}),
    },
    ...(user ? { uid: user.uid, gid: user.gid } : {}),
  };
}

/** Runs a program as that user; what went wrong, or undefined. */
export async function trial(user: ServerUser, file: string, args: string[]): Promise<Error | undefined> {
  try {
    await promisify(execFile)(file, args, { ...spawnAs(user), timeout: 20_000 });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

export async function canWriteIn(folder: string, user: ServerUser): Promise<boolean> {
  return (await trial(user, '/bin/sh', ['-c', 'cd "$1" && test -w .', 'sh', folder])) === undefined;
}

/** A fresh 0700 folder of that user, `prefix` and six random characters. */
export async function privateFolder(prefix: string, user: ServerUser): Promise<string> {
  const folder = await fs.mkdtemp(prefix);
  try {
    if (user) await fs.chown(folder, user.uid, user.gid);
    return folder;
  } catch (error) {
    await fs.rmdir(folder);
    throw error;
  }
}
