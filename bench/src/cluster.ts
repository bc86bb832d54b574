import type { Connection } from '@tutti/kit/postgres';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

export type Cluster = { readonly pid: number; connection(database: string): Connection };

/** The embedded PostgreSQL that runs on a data folder, whoever started it. */
export function clusterIn(dataDir: string): Cluster {
  const location = path.join(dataDir, 'postgres-location');
  const home = existsSync(location) ? readFileSync(location, 'utf8').trim() : dataDir;
  const lines = readFileSync(path.join(home, 'postgres', 'postmaster.pid'), 'utf8').split('\n');
  return {
    pid: Number(lines[0]),
    connection: (database) => ({ host: lines[4] ?? '', port: Number(lines[3]), user: 'postgres', database }),
  };
}

/** Where the cluster of a folder was put when that folder could not hold it. */
export function shelterOf(dataDir: string): string | undefined {
  const location = path.join(dataDir, 'postgres-location');
  return existsSync(location) ? readFileSync(location, 'utf8').trim() : undefined;
}
