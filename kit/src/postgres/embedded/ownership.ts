// One owner per data directory, by two locks. A lock on a file, which the kernel drops however its owner ends, orders
// the starts: whoever holds it may judge, end and start servers. An advisory lock in the server itself says that its
// owner lives, also to a start for which somebody deleted the lock file.

import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { inOneSentence } from './data-dir.ts';
import { type Guarded, hasEnded } from './postmaster.ts';
import { CannotStart } from './server-user.ts';

/** Another living process owns the data directory. */
export class AlreadyRunning extends CannotStart {
  override name = 'AlreadyRunning';

  constructor(dataDir: string) {
    super(
      `Another process already runs the database in ${dataDir}; stop it first, or choose another data directory.`,
    );
  }
}

// SQLite is the lock that Node brings: a record lock of the kernel on every system. The handles are kept here because a
// collected one would unlock.
const heldLocks = new Set<DatabaseSync>();

/** Waits until the deadline (ms since the epoch) for another owner; returns how to let go. */
export async function lockFolder(dataDir: string, deadline: number): Promise<() => void> {
  const lock = openLock(dataDir);
  while (!tryLock(lock, dataDir)) {
    if (Date.now() >= deadline) {
      lock.close();
      throw new AlreadyRunning(dataDir);
    }
    await delay(50);
  }
  heldLocks.add(lock);
  return () => {
    if (heldLocks.delete(lock)) lock.close();
  };
}

function openLock(dataDir: string): DatabaseSync {
  const file = join(dataDir, 'postgres.lock');
  try {
    const lock = new DatabaseSync(file);
    // A file that can only be read is opened without a complaint, and then nothing is locked.
    accessSync(file, constants.W_OK);
    return lock;
  } catch (cause) {
    throw inOneSentence(dataDir, cause);
  }
}

function tryLock(lock: DatabaseSync, dataDir: string): boolean {
  try {
    // Nothing is ever written to it, so that it needs no journal.
    lock.exec('pragma journal_mode = off; begin exclusive');
    return true;
  } catch (cause) {
    const sqliteBusy = 5;
    if (cause instanceof Error && 'errcode' in cause && cause.errcode === sqliteBusy) return false;
    lock.close();
    throw inOneSentence(dataDir, cause);
  }
}

export interface SocketConnection {
  /** The folder of the Unix socket: the server listens nowhere else. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

export async function connect(connection: SocketConnection): Promise<Client> {
  const client = new Client({
    ...connection,
    ssl: false,
    connectionTimeoutMillis: 5000,
    query_timeout: 60_000,
  });
  // Whoever uses the connection notices its end in another way; without a listener it would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

/** Takes the owner's advisory lock on a connection that keeps it for as long as both ends live. */
export async function tryClaim(connection: SocketConnection): Promise<Client | 'held'> {
  const client = await connect(connection);
  const key = '500152235113'; // "tutti" in ASCII
  const { rows } = await client.query<{ got: boolean }>(`select pg_try_advisory_lock(${key}) as got`);
  if (rows[0]?.got) return client;
  await client.end();
  return 'held';
}

/**
 * Keeps the claim for as long as the server lives: when a backend crashes, PostgreSQL ends all connections, goes on,
 * and the claim has to be taken again. Returns how to give it up, which has to be done before the server is told to stop.
 */
export function keepClaim(first: Client, server: Guarded, connection: SocketConnection): () => Promise<void> {
  let claim = first;
  let released = false;
  const renewWhenLost = () => claim.once('end', () => void renew());
  const renew = async () => {
    while (!released && !hasEnded(server)) {
      await delay(200);
      const again = await tryClaim(connection).catch(() => 'held' as const);
      if (again === 'held') continue;
      claim = again;
      renewWhenLost();
      return;
    }
  };
  renewWhenLost();
  const answers = () => {
    const answer = claim.query('select').then(
      () => true,
      () => false,
    );
    return Promise.race([answer, delay(2000, false, { ref: false })]);
  };
  return async () => {
    // Asked to stop while it recovers from the crash of a backend, PostgreSQL 18 may neither stop nor serve any more.
    const deadline = Date.now() + 10_000;
    while (!hasEnded(server) && Date.now() < deadline && !(await answers())) await delay(100);
    released = true;
    await Promise.race([claim.end().catch(() => undefined), delay(1000, undefined, { ref: false })]);
  };
}
