import { Database } from '@tutti/kit/postgres';
import { freePort } from '@tutti/kit/service';
import { mkdir, writeFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import { clusterIn } from '../cluster.ts';
import { describeCommit } from '../report/machine.ts';
import { nameOf, processTrees } from '../processes.ts';
import { root, ServerProcess } from '../server-process.ts';
import type { ProcessRole, RunningSystem, Surroundings, System } from '../system.ts';

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
  start: (surroundings) => start('standalone/src/main.ts', surroundings),
};

/** What `npm run cluster` runs: the same services as processes of their own, on NATS, with HAProxy in front. */
export const cluster: System = {
  name: 'cluster',
  title: 'tutti, a process per service',
  versions: async () => [],
  start: (surroundings) => start('cluster/src/main.ts', surroundings),
};

const engines = ['nats-server', 'redis-server', 'haproxy'];

async function start(program: string, surroundings: Surroundings): Promise<RunningSystem> {
  const { folder, partnerUrl, partnerSecret, accessTokenKey, holdSeconds } = surroundings;
  // A key that is there already is used: the crowd's tokens are signed with it.
  await mkdir(path.join(folder, 'secrets'), { mode: 0o700 });
  await writeFile(path.join(folder, 'secrets/access-token-key'), `${accessTokenKey}\n`, { mode: 0o600 });
  const port = await freePort();
  const server = ServerProcess.node(program, [], {
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
  const postgres = clusterIn(folder);
  const orchestrator = new Database(postgres.connection('orchestrator'), { connectionsMax: 1 });
  return {
    port,
    databases: {
      user: postgres.connection('user'),
      concert: postgres.connection('concert'),
      payment: postgres.connection('payment'),
      partner: postgres.connection('partner'),
    },
    admin: postgres.connection('postgres'),
    pids: () => {
      // PostgreSQL is a child of ours here, so the tree is told apart by name.
      const tree = processTrees([server.pid]);
      const roleOf = (pid: number): ProcessRole => {
        const name = nameOf(pid);
        if (name === 'postgres') return 'postgres';
        return engines.includes(name) ? 'engine' : 'node';
      };
      const of = (role: ProcessRole) => tree.filter((pid) => roleOf(pid) === role);
      return { node: of('node'), postgres: of('postgres'), engine: of('engine') };
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
