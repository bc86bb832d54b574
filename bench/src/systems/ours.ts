import { Database } from '@tutti/kit/postgres';
import { mkdir, writeFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import { clusterIn } from '../cluster.ts';
import { freePort } from '../free-port.ts';
import { describeCommit } from '../report/machine.ts';
import { nameOf, processTrees } from '../processes.ts';
import { root, ServerProcess } from '../server-process.ts';
import type { RunningSystem, Surroundings, System } from '../system.ts';

/** What `npm start` runs, with its defaults; the promoter's system is outside, as it is for every system here. */
export const ours: System = {
  name: 'ours',
  title: 'tutti, embedded',
  versions: async () => {
    const manifest: unknown = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
    const version =
      typeof manifest === 'object' && manifest && 'version' in manifest ? String(manifest.version) : '';
    return [`tutti ${version}, ${describeCommit()}`];
  },
  start,
};

async function start(surroundings: Surroundings): Promise<RunningSystem> {
  const { folder, partnerUrl, partnerSecret, accessTokenKey, holdSeconds } = surroundings;
  // A key that is there already is used: the crowd's tokens are signed with it.
  await mkdir(path.join(folder, 'secrets'), { mode: 0o700 });
  await writeFile(path.join(folder, 'secrets/access-token-key'), `${accessTokenKey}\n`, { mode: 0o600 });
  const port = await freePort();
  const server = ServerProcess.node('standalone/src/main.ts', [], {
    DATA_DIR: folder,
    HOST: '127.0.0.1',
    PORT: String(port),
    HOLD_SECONDS: String(holdSeconds),
    PARTNER_URL: partnerUrl,
    PARTNER_SECRET: partnerSecret,
    SEASON: path.join(root, 'test/support/season.yaml'),
  });
  try {
    await server.ready(() =>
      fetch(`http://127.0.0.1:${port}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
  } catch (error) {
    await server.stop();
    throw error;
  }
  const cluster = clusterIn(folder);
  const orchestrator = new Database(cluster.connection('orchestrator'), { connectionsMax: 1 });
  return {
    port,
    databases: {
      user: cluster.connection('user'),
      concert: cluster.connection('concert'),
      payment: cluster.connection('payment'),
      partner: cluster.connection('partner'),
    },
    admin: cluster.connection('postgres'),
    pids: () => {
      // PostgreSQL is a child of ours here, so the tree is told apart by name.
      const tree = processTrees([server.pid]);
      const isPostgres = (pid: number) => nameOf(pid) === 'postgres';
      return { node: tree.filter((pid) => !isPostgres(pid)), postgres: tree.filter(isPostgres) };
    },
    unfinished: async () => {
      const [row] = await orchestrator.query<{ open: number }>(
        `select count(*) as open from saga where status in ('running', 'compensating')`,
      );
      return row?.open ?? 0;
    },
    stop: async () => {
      await orchestrator.close();
      await server.stop();
    },
  };
}
