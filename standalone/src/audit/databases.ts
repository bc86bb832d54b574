import { AlreadyRunning, Database, sqlState, startEmbedded, type Connection } from '@tutti/kit/postgres';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { clusterOf, runningServer } from '../running-server.ts';
import { databaseNames, type DatabaseName } from '../system.ts';
import type { Databases } from './snapshots.ts';

/** There is nothing to audit, or it cannot be reached: one sentence for whoever asked. */
export class CannotAudit extends Error {
  override name = 'CannotAudit';
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What the audit runs on. */
export type Place = {
  readonly databases: Databases;
  readonly logFiles: readonly string[];
  readonly secrets: ReadonlyMap<string, string>;
  readonly usesStub: boolean | undefined;
  /** Also ends a PostgreSQL that was started for the audit. */
  close(): Promise<void>;
};

/** The databases that the environment names, else those of a data directory. Throws CannotAudit. */
export async function findPlace(env: Environment): Promise<Place> {
  const urls = databaseUrls(env);
  const dataDir = env['DATA_DIR'] ? path.resolve(env['DATA_DIR']) : urls ? undefined : path.resolve('./data');
  // Where the partner's address is a web page, deliveries go there and not to the built-in receiver.
  const usesStub = /^https?:/.test(env['PARTNER_URL'] ?? '') ? false : undefined;
  const { connection, stop } = urls
    ? { connection: (name: DatabaseName): Connection => ({ url: urls[name] }), stop: async () => {} }
    : await serverOf(dataDir ?? '');
  const open = (name: DatabaseName) =>
    new Database(connection(name), { connectionsMax: 2, statementTimeoutMs: 600_000 });
  const databases = {
    orchestrator: open('orchestrator'),
    user: open('user'),
    concert: open('concert'),
    payment: open('payment'),
    partner: open('partner'),
    waiting_room: open('waiting_room'),
  };
  const close = async () => {
    await Promise.all(Object.values(databases).map((database) => database.close()));
    await stop();
  };
  try {
    await ensureReachable(databases);
    return {
      databases,
      usesStub,
      close,
      logFiles: await logFilesIn(dataDir),
      secrets: await secretsIn(dataDir),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Undefined when none is named. PARTNER_URL may also be the promoter's own web address, as for `npm start`. */
function databaseUrls(env: Environment): Record<DatabaseName, string> | undefined {
  const urlOf = (name: DatabaseName): string => {
    const url = env[`${name.toUpperCase()}_URL`] ?? '';
    return /^postgres(?:ql)?:/.test(url) ? url : '';
  };
  const missing = databaseNames.filter((name) => urlOf(name) === '');
  if (missing.length === databaseNames.length) return undefined;
  if (missing.length > 0) {
    const names = missing.map((name) => `${name.toUpperCase()}_URL`).join(', ');
    throw new CannotAudit(`All six databases are needed; these do not name a postgres:// address: ${names}.`);
  }
  const [orchestrator, user, concert, payment, partner, waitingRoom] = databaseNames.map(urlOf);
  if (!orchestrator || !user || !concert || !payment || !partner || !waitingRoom) return undefined;
  return { orchestrator, user, concert, payment, partner, waiting_room: waitingRoom };
}

type Server = { connection: (name: string) => Connection; stop: () => Promise<void> };

const serverPatienceMs = 30_000;

/** The server that runs on a data directory, or one that is started for the time of the audit. */
async function serverOf(dataDir: string): Promise<Server> {
  if (!existsSync(await clusterOf(dataDir)))
    throw new CannotAudit(
      `There is no tutti database in ${dataDir}: set DATA_DIR, or run \`npm start\` there first.`,
    );
  // A system that is just coming up holds the folder, but does not answer yet.
  for (const giveUpAt = Date.now() + serverPatienceMs; ; ) {
    const connection = await runningServer(dataDir);
    if (connection) return { connection, stop: async () => {} };
    try {
      const postgres = await startEmbedded({ dataDir, log: () => {}, waitSeconds: 1 });
      return { connection: (name) => postgres.connection(name), stop: () => postgres.stop() };
    } catch (error) {
      if (!(error instanceof AlreadyRunning) || Date.now() > giveUpAt) throw error;
    }
  }
}

async function ensureReachable(databases: Databases): Promise<void> {
  const tables = {
    orchestrator: 'saga',
    user: 'account',
    concert: 'reservation',
    payment: 'payment',
    partner: 'delivery',
    waiting_room: 'sale',
  };
  for (const name of databaseNames) {
    try {
      await databases[name].query(`select 1 from ${tables[name]} limit 1`);
    } catch (cause) {
      // No such database, no such table: its first start never came to its end.
      const isEmpty = ['3D000', '42P01'].includes(sqlState(cause) ?? '');
      const why = isEmpty
        ? 'is not there or not filled yet: start the system once'
        : `does not answer: ${String(cause)}`;
      throw new CannotAudit(`The database of the ${name} service ${why}.`, { cause });
    }
  }
}

async function logFilesIn(dataDir: string | undefined): Promise<string[]> {
  if (dataDir === undefined) return [];
  const names = await readdir(dataDir).catch(() => []);
  return names.filter((name) => name.endsWith('.log')).map((name) => path.join(dataDir, name));
}

const secretCharactersMin = 8;

async function secretsIn(dataDir: string | undefined): Promise<Map<string, string>> {
  const secrets = new Map<string, string>();
  if (dataDir === undefined) return secrets;
  const folder = path.join(dataDir, 'secrets');
  for (const name of await readdir(folder).catch(() => [])) {
    const value = (await readFile(path.join(folder, name), 'utf8')).trim();
    if (value.length >= secretCharactersMin) secrets.set(name, value);
  }
  return secrets;
}
