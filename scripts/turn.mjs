// One at a time, over processes: a folder that only one can make says whose turn it is.

import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { birthOf } from './child.mjs';

/**
 * Waits until nobody else has the lock. The owners are this process and the child it names, which goes on when this process
 * is killed: then the next script waits for it and finds its work done. `words` are the sentences for who waits (`waiting`),
 * for who waited too long (`stuck`) and for who may not write here (`blocked`).
 */
export async function takeTurn(lock, words) {
  const deadline = Date.now() + 15 * 60_000;
  for (let told = false; !takeLock(lock, words.blocked); await delay(200)) {
    if (Date.now() > deadline) throw new Error(`${words.stuck}; see ${lock}.`);
    if (removeStale(lock)) continue;
    if (!told) process.stderr.write(`${words.waiting}\n`);
    told = true;
  }
  return {
    owners: (child) => writeOwners(lock, [process.pid, child]),
    release: () => fs.rmSync(lock, { recursive: true, force: true }),
  };
}

function takeLock(lock, blocked) {
  try {
    fs.mkdirSync(lock);
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw new Error(`${blocked}: ${error.message}`, { cause: error });
  }
  writeOwners(lock, [process.pid]);
  return true;
}

function writeOwners(lock, pids) {
  const file = join(lock, 'owners');
  fs.writeFileSync(`${file}.new`, JSON.stringify(pids.map((pid) => ({ pid, birth: birthOf(pid) }))));
  fs.renameSync(`${file}.new`, file);
}

/** Takes away the lock of owners that are gone. Moved first: of several that find it stale only one can do that. */
function removeStale(lock) {
  const judged = ownersOf(lock);
  if (!judged || judged.some(({ pid, birth }) => birthOf(pid) === birth)) return false;
  const away = `${lock}-${randomUUID()}`;
  try {
    fs.renameSync(lock, away);
    // A new owner was faster between the look and the move.
    if (JSON.stringify(ownersOf(away)) !== JSON.stringify(judged)) fs.renameSync(away, lock);
  } catch {
    // Somebody else moved it.
  }
  fs.rmSync(away, { recursive: true, force: true });
  return true;
}

/** Undefined while the lock is too young to say; an owner that was killed early never wrote its name. */
function ownersOf(lock) {
  const owners = readJson(join(lock, 'owners'));
  if (owners) return owners;
  try {
    return Date.now() - fs.statSync(lock).mtimeMs > 10_000 ? [] : undefined;
  } catch {
    return undefined;
  }
}

export function readText(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

export function readJson(file) {
  const text = readText(file);
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
