import { Database, startEmbedded, type Connection, type EmbeddedPostgres } from '@tutti/kit/postgres';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { PeerConfig } from '../../peers/door/server.ts';
import { clusterIn } from '../cluster.ts';
import { nameOf, processTrees } from '../processes.ts';
import { ServerProcess } from '../server-process.ts';
import type { RunningSystem, Store, Surroundings } from '../system.ts';

export type PeerPlan = {
  readonly file: string;
  /** Which database each store is in. */
  readonly databases: Readonly<Record<Store, string>>;
  /** Those that the peer needs beside them. */
  readonly more?: readonly string[];
  readonly makeTables: (connection: (database: string) => Connection) => Promise<void>;
  readonly settings: Readonly<Record<string, string>>;
  /** Counts what has begun and not ended: SQL that returns one row with `open`, and where. */
  readonly unfinished?: { readonly database: string; readonly sql: string };
};

/** A PostgreSQL of its own with the peer's databases: the same programs and settings as ours. */
export async function startCluster(folder: string, names: readonly string[]): Promise<EmbeddedPostgres> {
  const postgres = await startEmbedded({ dataDir: folder, log: () => {} });
  for (const name of names) await postgres.ensureDatabase(name);
  return postgres;
}

/** Starts a peer's server (peers/door/server.ts) on a cluster of its own. */
export async function startPeer(plan: PeerPlan, surroundings: Surroundings): Promise<RunningSystem> {
  const { folder, ...told } = surroundings;
  const names = [...new Set([...Object.values(plan.databases), ...(plan.more ?? [])])];
  const postgres = await startCluster(folder, names);
  let server: ServerProcess | undefined;
  try {
    const connection = (database: string): Connection => postgres.connection(database);
    await plan.makeTables(connection);
    const config: PeerConfig = {
      ...told,
      databases: Object.fromEntries(names.map((name) => [name, connection(name)])),
      logFile: path.join(folder, 'peer.log'),
      settings: plan.settings,
    };
    const file = path.join(folder, 'peer.json');
    await writeFile(file, JSON.stringify(config), { mode: 0o600 });
    server = ServerProcess.node(plan.file, [file]);
    const port = await server.listening();
    const { pid } = server;
    const postmaster = clusterIn(folder).pid;
    const databases = mapValues(plan.databases, connection);
    const { unfinished } = plan;
    const asking = unfinished && new Database(connection(unfinished.database), { connectionsMax: 1 });
    const started = server;
    return {
      port,
      databases,
      admin: connection('postgres'),
      pids: () => {
        const [engine, node] = split(processTrees([pid]), (one) => nameOf(one) === 'restate-server');
        return { node, postgres: processTrees([postmaster]), engine };
      },
      unfinished: async () => {
        if (!unfinished || !asking) return 0;
        const [row] = await asking.query<{ open: number }>(unfinished.sql);
        return row?.open ?? 0;
      },
      stop: async () => {
        await asking?.close();
        await started.stop();
        await postgres.stop();
      },
    };
  } catch (error) {
    await server?.stop();
    await postgres.stop();
    throw error;
  }
}

const mapValues = <A, B>(of: Readonly<Record<Store, A>>, map: (value: A) => B): Record<Store, B> => ({
  user: map(of.user),
  concert: map(of.concert),
  payment: map(of.payment),
  partner: map(of.partner),
});

const split = <T>(all: readonly T[], belongs: (one: T) => boolean): [T[], T[]] => [
  all.filter(belongs),
  all.filter((one) => !belongs(one)),
];
