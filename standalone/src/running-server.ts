import { Database, type Connection } from '@tutti/kit/postgres';
import { readFile, realpath } from 'node:fs/promises';
import path from 'node:path';

/** Where the cluster of a data directory is: inside it, or at the place that it names. */
export async function clusterOf(dataDir: string): Promise<string> {
  const location = await readFile(path.join(dataDir, 'postgres-location'), 'utf8').catch(() => '');
  return path.join(location.trim() || dataDir, 'postgres');
}

/** The PostgreSQL that runs on a data directory, as a way to its databases; undefined when none answers. */
export async function runningServer(
  dataDir: string,
): Promise<((database: string) => Connection) | undefined> {
  const cluster = await clusterOf(dataDir);
  // What postmaster.pid names may be gone, or somebody else's by now: it counts when it answers for this cluster.
  const [, , , port, host] = (
    await readFile(path.join(cluster, 'postmaster.pid'), 'utf8').catch(() => '')
  ).split('\n');
  if (!port || !host) return undefined;
  const connection = (database: string): Connection => ({
    host,
    port: Number(port),
    user: 'postgres',
    database,
  });
  const probe = new Database(connection('postgres'), { connectionsMax: 1 });
  try {
    const [row] = await probe.query<{ folder: string }>(`select current_setting('data_directory') as folder`);
    return row && (await realpath(row.folder)) === (await realpath(cluster)) ? connection : undefined;
  } catch {
    // Nobody listens there any more.
    return undefined;
  } finally {
    await probe.close();
  }
}
