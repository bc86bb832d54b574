import { startEmbedded, type Connection } from '@tutti/kit/postgres';
import { accepts, ensureProgram, freePort, keptSecret, type Log } from '@tutti/kit/service';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { balancerConfig } from './balancer.ts';
import type { Kept } from './keeper.ts';
import { natsConfig, natsKeys, type NatsKey } from './nats-config.ts';
import type { Replica, ServiceOnBus } from './topology.ts';

/** A server that this cluster runs for itself, and the port by which to know that it is there. */
export type PrivateServer = { readonly kept: Kept; readonly port: number };

type Say = (sentence: string) => void;

const readyMsMax = 20_000;
const root = new URL('../../', import.meta.url);

/** PostgreSQL from npm, in `dataDir`. Roles need their passwords; only this process is trusted. */
export async function startPostgres(
  dataDir: string,
  log: Log,
): Promise<{ connection: (database: string) => Connection; exited: Promise<Error>; stop(): Promise<void> }> {
  const postgres = await startEmbedded({
    dataDir,
    // Every replica of every service has its own connections.
    settings: { max_connections: '400' },
    trusts: 'superuser',
    log: (message, details) => log.info(details ?? {}, message),
  });
  return {
    connection: (database) => postgres.connection(database),
    exited: postgres.exited,
    stop: () => postgres.stop(),
  };
}

/** NATS with JetStream in `folder`, where each service may use its own subjects only. Returns each one's address. */
export async function prepareNats(
  folder: string,
  secretsFolder: string,
  say: Say,
): Promise<{ urls: Record<ServiceOnBus, string>; adminUrl: string; server: PrivateServer }> {
  const program = await ensureProgram({ program: 'nats-server', debianPackage: 'nats-server' }, say);
  const port = await freePort();
  const passwords = new Map<NatsKey, string>();
  for (const key of natsKeys) passwords.set(key, (await keptSecret(secretsFolder, `nats-${key}`)).value);
  const passwordOf = (key: NatsKey) => passwords.get(key) ?? '';
  await mkdir(folder, { recursive: true });
  const config = natsConfig({
    listen: `127.0.0.1:${port}`,
    storeDir: path.join(folder, 'store'),
    passwordOf,
  });
  const file = await writePrivate(folder, 'nats.conf', config);
  const urlOf = (key: NatsKey) => `nats://${key}:${passwordOf(key)}@127.0.0.1:${port}`;
  return {
    urls: {
      user: urlOf('user'),
      concert: urlOf('concert'),
      payment: urlOf('payment'),
      partner: urlOf('partner'),
      orchestrator: urlOf('orchestrator'),
      gateway: urlOf('gateway'),
    },
    adminUrl: urlOf('admin'),
    server: serverOf('nats-server', program, ['-c', file], port),
  };
}

/** Redis, for what may be forgotten: nothing is written to a disk. */
export async function prepareRedis(
  folder: string,
  secretsFolder: string,
  say: Say,
): Promise<{ url: string; server: PrivateServer }> {
  const program = await ensureProgram({ program: 'redis-server', debianPackage: 'redis-server' }, say);
  const port = await freePort();
  const { value: password } = await keptSecret(secretsFolder, 'redis');
  await mkdir(folder, { recursive: true });
  const config = `port ${port}
bind 127.0.0.1
dir ${JSON.stringify(folder)}
save ""
appendonly no
maxmemory 256mb
maxmemory-policy allkeys-lru
requirepass ${password}
`;
  const file = await writePrivate(folder, 'redis.conf', config);
  return {
    url: `redis://:${password}@127.0.0.1:${port}`,
    server: serverOf('redis-server', program, [file], port),
  };
}

/** The one address in front of the gateways. */
export async function prepareBalancer(
  folder: string,
  { bind, host, replicas }: { bind: string; host: string; replicas: readonly Replica[] },
  say: Say,
): Promise<PrivateServer> {
  const program = await ensureProgram({ program: 'haproxy', debianPackage: 'haproxy' }, say);
  const template = await readFile(new URL('deploy/haproxy.cfg', root), 'utf8');
  await mkdir(folder, { recursive: true });
  const file = await writePrivate(folder, 'haproxy.cfg', balancerConfig(template, { bind, host, replicas }));
  return serverOf('haproxy', program, ['-db', '-f', file], Number(bind.split(':').at(-1)));
}

const serverOf = (name: string, program: string, args: readonly string[], port: number): PrivateServer => ({
  kept: { name, program, args, isOurs: false },
  port,
});

async function writePrivate(folder: string, name: string, text: string): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, text, { mode: 0o600 });
  return file;
}

/** Waits until the port is listened on. */
export async function listening({ kept, port }: PrivateServer): Promise<void> {
  const giveUpAt = Date.now() + readyMsMax;
  while (!(await accepts(port))) {
    if (Date.now() > giveUpAt)
      throw new Error(`${kept.name} did not listen on port ${port} within ${readyMsMax / 1_000} s.`);
    await new Promise((later) => setTimeout(later, 20));
  }
}
