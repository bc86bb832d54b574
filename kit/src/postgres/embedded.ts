// The embedded PostgreSQL: a real server, started and ended with this process, on a folder of its own.
//
// The rule: whatever was killed, and whenever, the next start comes up by itself.

import { closeSync, existsSync, ftruncateSync, openSync, statSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { sqlState } from './database.ts';
import { inOneSentence, openDataDir } from './embedded/data-dir.ts';
import {
  AlreadyRunning,
  connect,
  keepClaim,
  lockFolder,
  type SocketConnection,
  tryClaim,
} from './embedded/ownership.ts';
import {
  makeSocketDir,
  place,
  type Placement,
  removeSocketDir,
  removeUnfinished,
  socketPort,
  syncFolder,
  unfinishedFolder,
} from './embedded/placement.ts';
import {
  clearRemains,
  type Ending,
  endProcesses,
  endsWithin,
  type Guarded,
  hasEnded,
  isReady,
  lastError,
  runningOn,
  startGuarded,
} from './embedded/postmaster.ts';
import { CannotStart } from './embedded/server-user.ts';

export { AlreadyRunning, type SocketConnection } from './embedded/ownership.ts';
export { CannotStart } from './embedded/server-user.ts';

export interface EmbeddedOptions {
  /** Created when missing. */
  dataDir: string;
  /** Server settings that replace the defaults below; durability cannot be turned off. */
  settings?: Record<string, string>;
  /**
   * Who is let in without a password. `everybody` (the default): whoever can reach the socket, which is this process's user.
   * `superuser`: only this process's own user of the database; every other role has to show its password.
   */
  trusts?: 'everybody' | 'superuser';
  log: (message: string, details?: object) => void;
  /** How long to wait for another owner of the folder to leave. Default 10. */
  waitSeconds?: number;
}

export interface EmbeddedPostgres {
  socketDir: string;
  port: number;
  connection(database: string): SocketConnection;
  /** Creates the database unless it exists. */
  ensureDatabase(name: string): Promise<void>;
  /** Ends the server in order and lets go of the folder. May be called more than once. */
  stop(): Promise<void>;
  /** Resolves when the server went away although nobody called stop; the caller decides what that means. */
  exited: Promise<Error>;
}

const port = socketPort;
const superuser = 'postgres';
const logBytesAtStart = 10 * 1024 * 1024;

// For a machine of two cores that the services share.
const defaultSettings = {
  listen_addresses: '',
  max_connections: '60',
  shared_buffers: '256MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '4GB',
  checkpoint_timeout: '15min',
  checkpoint_completion_target: '0.9',
  random_page_cost: '1.1',
  // Without the details of an error: they name rows, and rows name people.
  log_error_verbosity: 'terse',
  jit: 'off',
  autovacuum_naptime: '10s',
  timezone: 'UTC',
  log_timezone: 'UTC',
  idle_in_transaction_session_timeout: '30s',
};

const durability = ['fsync', 'synchronous_commit', 'full_page_writes'];

/**
 * Starts the server, recovering from whatever a killed predecessor left. Throws AlreadyRunning when another process
 * owns the folder after `waitSeconds`, CannotStart (one sentence, with its cause) when it cannot be had at all.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  refuseWeakSettings(options.settings);
  const dataDir = await openDataDir(options.dataDir);
  const deadline = Date.now() + (options.waitSeconds ?? 10) * 1000;
  const release = await lockFolder(dataDir, deadline);
  try {
    return await startOwned(dataDir, options, deadline, release);
  } catch (error) {
    release();
    throw inOneSentence(dataDir, error);
  }
}

function refuseWeakSettings(settings: Record<string, string> = {}): void {
  const weak = Object.keys(settings).find((name) => durability.includes(name.toLowerCase()));
  if (weak) throw new TypeError(`The setting ${weak} belongs to durability and is not to be changed.`);
}

/** The data directory with what every step of a start needs. */
interface Start {
  readonly dataDir: string;
  readonly placement: Placement;
  readonly options: EmbeddedOptions;
  readonly logFile: string;
  /** File descriptor of the log, which children inherit: their user need not be able to open it. */
  readonly output: number;
}

async function startOwned(
  dataDir: string,
  options: EmbeddedOptions,
  deadline: number,
  release: () => void,
): Promise<EmbeddedPostgres> {
  const placement = await place(dataDir, options.log);
  const logFile = join(dataDir, 'postgres.log');
  const output = openSync(logFile, 'a', 0o600);
  const start = { dataDir, placement, options, logFile, output };
  try {
    if (statSync(logFile).size > logBytesAtStart) ftruncateSync(output);
    await endOrphan(start, deadline);
    for (const folder of new Set([dataDir, placement.home])) await removeUnfinished(folder);
    if (!existsSync(placement.cluster)) await createCluster(start);
    return await launch(start, release);
  } finally {
    closeSync(output);
  }
}

async function endOrphan({ dataDir, placement, options }: Start, deadline: number): Promise<void> {
  const { cluster } = placement;
  for (let running = runningOn(cluster); running; running = runningOn(cluster)) {
    const address = { host: running.socketDir, port: running.port, user: superuser, database: 'postgres' };
    const claim = await tryClaim(address).catch(unreachableUnlessBusy);
    if (claim === 'held') {
      if (Date.now() >= deadline) throw new AlreadyRunning(dataDir);
      await delay(50);
      continue;
    }
    // It is ended, not adopted: its guard would still end it on behalf of its first owner. Its end includes that of
    // every other connection, and nothing starts before all of its processes are gone.
    options.log('ending a PostgreSQL that lost its owner', { pid: running.pid });
    // One that does not answer may be recovering, and then not hear that it is asked to stop.
    await endProcesses(cluster, running.pid, claim === 'unreachable' ? 5 : 30);
    if (claim !== 'unreachable') await claim.end().catch(() => undefined);
  }
  await clearRemains(cluster);
}

// A server whose connections are all taken is somebody's.
function unreachableUnlessBusy(error: unknown): 'held' | 'unreachable' {
  return sqlState(error) === '53300' ? 'held' : 'unreachable';
}

/** PostgreSQL refuses a half-made cluster for ever, so it gets its name when it is whole and on disk. */
async function createCluster({ dataDir, placement, options, logFile, output }: Start): Promise<void> {
  const { binaries, home, cluster, user } = placement;
  options.log('creating the database', { cluster });
  const folder = await unfinishedFolder(home, user);
  const from = statSync(logFile).size;
  const access = ['-U', superuser, '--auth-local=trust', '--auth-host=reject'];
  const format = ['--encoding=UTF8', '--locale=C', '--data-checksums', '--no-instructions'];
  const initdb = await startGuarded(join(binaries, 'bin/initdb'), ['-D', folder, ...access, ...format], {
    folder,
    user,
    output,
  });
  if (!(await endsWithin(initdb, 300))) initdb.child.kill('SIGKILL');
  const { code } = await initdb.ended;
  if (code !== 0) {
    await removeUnfinished(home);
    const reason = lastError(logFile, from) || `initdb ended early, see ${logFile}`;
    throw new CannotStart(`The database could not be created in ${dataDir}: ${reason}`);
  }
  await fs.rename(folder, cluster);
  await syncFolder(home);
}

async function launch(start: Start, release: () => void): Promise<EmbeddedPostgres> {
  const { placement, options, logFile, output } = start;
  const { binaries, cluster, user, home } = placement;
  const socketDir = await makeSocketDir(home, user);
  const from = statSync(logFile).size;
  const access = options.trusts === 'superuser' ? { hba_file: await writeAccessRules(cluster) } : {};
  const settings = Object.entries({ ...defaultSettings, ...options.settings, ...access });
  const assignments = settings.flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const args = ['-D', cluster, '-k', socketDir, '-p', `${port}`, ...assignments];
  const server = await startGuarded(join(binaries, 'bin/postgres'), args, {
    folder: cluster,
    socketDir,
    user,
    output,
  });
  const connection = (database: string) => ({ host: socketDir, port, user: superuser, database });
  const farewell = (ending: Ending) => describeEnding(start, ending, from);
  try {
    await becomeReady(server, start, farewell);
    const claim = await tryClaim(connection('postgres'));
    if (claim === 'held') throw new AlreadyRunning(start.dataDir);
    const unclaim = keepClaim(claim, server, connection('postgres'));
    options.log('PostgreSQL is running', { pid: server.pid, socketDir });
    const stop = () =>
      unclaim()
        .then(() => endServer(server, socketDir))
        .finally(release);
    return control(server, socketDir, connection, farewell, stop);
  } catch (error) {
    await endServer(server, socketDir);
    throw error;
  }
}

/** Who may come in how (pg_hba.conf), as a file that the server's user can read. */
async function writeAccessRules(cluster: string): Promise<string> {
  const file = join(cluster, 'tutti_hba.conf');
  await fs.writeFile(file, `local all ${superuser} trust\nlocal all all scram-sha-256\n`, { mode: 0o644 });
  return file;
}

function control(
  server: Guarded,
  socketDir: string,
  connection: (database: string) => SocketConnection,
  farewell: (ending: Ending) => Error,
  end: () => Promise<void>,
): EmbeddedPostgres {
  let stopped: Promise<void> | undefined;
  return {
    socketDir,
    port,
    connection,
    ensureDatabase: (name) => ensureDatabase(connection('postgres'), name),
    stop: () => (stopped ??= end()),
    exited: new Promise((tell) => {
      void server.ended.then((ending) => stopped ?? tell(farewell(ending)));
    }),
  };
}

/** Recovery after a crash may take minutes, and says so; connecting before its end would only fill the log. */
async function becomeReady(
  server: Guarded,
  { dataDir, placement, options }: Start,
  farewell: (ending: Ending) => Error,
) {
  const started = Date.now();
  for (let told = started; !isReady(placement.cluster, server.pid); await delay(20)) {
    if (hasEnded(server)) throw farewell(await server.ended);
    if (Date.now() > started + 900_000)
      throw new CannotStart(`The database in ${dataDir} takes too long to start.`);
    if (Date.now() < told + 10_000) continue;
    told = Date.now();
    options.log('PostgreSQL is still recovering', { seconds: Math.round((told - started) / 1000) });
  }
}

async function endServer(server: Guarded, socketDir: string): Promise<void> {
  const rounds: [NodeJS.Signals, number][] = [
    ['SIGINT', 60],
    ['SIGQUIT', 10],
    ['SIGKILL', 10],
  ];
  for (const [signal, seconds] of rounds) {
    if (!hasEnded(server)) server.child.kill(signal);
    if (await endsWithin(server, seconds)) break;
  }
  await removeSocketDir(socketDir);
}

function describeEnding({ dataDir, logFile }: Start, { code, signal }: Ending, from: number): Error {
  const reason = signal
    ? `it was ended by ${signal}`
    : lastError(logFile, from) || `code ${code}, see ${logFile}`;
  return new CannotStart(`PostgreSQL in ${dataDir} is gone: ${reason}`);
}

async function ensureDatabase(connection: SocketConnection, name: string): Promise<void> {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(name)) throw new TypeError(`No database can be named "${name}".`);
  const client = await connect(connection);
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
    if (rowCount === 0) await client.query(`create database "${name}"`);
  } catch (error) {
    // 42P04, 23505: somebody else created it in the meantime.
    if (sqlState(error) !== '42P04' && sqlState(error) !== '23505') throw error;
  } finally {
    await client.end();
  }
}
