import { ensureSeason } from '@tutti/concert/season';
import { Database, openDataDir, type Connection } from '@tutti/kit/postgres';
import { freePort, keptSecret, type Log } from '@tutti/kit/service';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ClusterConfig } from './config.ts';
import { ensureDatabases, serviceUrl, type ServerOf } from './databases.ts';
import { Keeper } from './keeper.ts';
import {
  listening,
  prepareBalancer,
  prepareNats,
  prepareRedis,
  startPostgres,
  type PrivateServer,
} from './servers.ts';
import {
  databaseOf,
  environmentOf,
  nameOf,
  services,
  withDatabase,
  type Places,
  type Replica,
  type Service,
  type ServiceOnBus,
  type ServiceWithDatabase,
} from './topology.ts';

export type Cluster = {
  /** The one address, without a trailing slash. */
  readonly address: string;
  readonly replicas: readonly Replica[];
  /** What keeps each process running, by its name: `concert-1`, `nats-server`. */
  readonly keepers: ReadonlyMap<string, Keeper>;
  /** Resolves with a sentence when the database went away: it is not started again under those that use it. */
  readonly broken: Promise<string>;
  stop(): Promise<void>;
};

const host = '127.0.0.1';
const readyMsMax = 60_000;
const root = new URL('../../', import.meta.url);
const processFile = (service: Service): string =>
  new URL(`services/${service}/src/process.ts`, root).pathname;

/** What a process is started with, changed by whoever stands between the parts (a test); asked at every start of it. */
export type Adjust = (replica: Replica, env: Record<string, string>) => Record<string, string>;

/**
 * Everything: the engines (private ones where the environment names none), a process for every replica of every service, and
 * the balancer. Resolves when every process is ready.
 */
export async function startCluster(
  config: ClusterConfig,
  log: Log,
  onLine: (line: string) => void,
  say: (sentence: string) => void,
  adjust: Adjust = (_, env) => env,
): Promise<Cluster> {
  await openDataDir(config.dataDir);
  const secretsFolder = path.join(config.dataDir, 'secrets');
  await mkdir(secretsFolder, { recursive: true, mode: 0o700 });
  const keepers = new Map<string, Keeper>();
  const isPostgresThere = withDatabase.every((service) => config.postgresUrls[service] !== undefined);
  const postgres = isPostgresThere ? undefined : await startPostgres(config.dataDir, log);
  const stop = async () => {
    await stopAll(keepers);
    await postgres?.stop();
  };
  /** A private server, started and there. */
  const run = async (server: PrivateServer): Promise<void> => {
    const keeper = new Keeper(server.kept, log, (line) => log.info({ process: server.kept.name }, line));
    keepers.set(server.kept.name, keeper);
    keeper.start();
    await listening(server).catch((cause: unknown) => {
      const sentence = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`${sentence} It said: ${keeper.lastLine}`, { cause });
    });
  };
  try {
    const admin: ServerOf = (service, database = databaseOf(service)) => {
      const url = config.postgresUrls[service];
      if (url !== undefined) return { url: databaseOn(url, database) };
      if (postgres) return postgres.connection(database);
      throw new Error(`${service} has no database.`);
    };
    const passwords = await ensureDatabases(admin, secretsFolder);
    const databaseUrl = (service: ServiceWithDatabase) =>
      serviceUrl(admin(service), service, passwords[service]);
    const nats = config.natsUrl
      ? { urls: allServices(config.natsUrl), adminUrl: config.natsUrl }
      : await prepareNats(path.join(config.dataDir, 'nats'), secretsFolder, say);
    if ('server' in nats) await run(nats.server);
    const redis = config.redisUrl
      ? { url: config.redisUrl }
      : await prepareRedis(path.join(config.dataDir, 'redis'), secretsFolder, say);
    if ('server' in redis) await run(redis.server);

    const replicas = await placeReplicas(config.replicas);
    const address = `http://${config.host}:${config.port === 0 ? await freePort() : config.port}`;
    const places: Places = {
      host,
      replicas,
      natsUrls: nats.urls,
      redisUrl: redis.url,
      logLevel: config.logLevel,
      databaseUrls: {
        user: databaseUrl('user'),
        concert: databaseUrl('concert'),
        payment: databaseUrl('payment'),
        partner: databaseUrl('partner'),
        orchestrator: databaseUrl('orchestrator'),
        'waiting-room': databaseUrl('waiting-room'),
      },
      settings: await settingsOf(config, secretsFolder),
    };
    await writeConnections(config.dataDir, { address, replicas, natsUrl: nats.adminUrl });
    for (const replica of replicas) {
      const name = nameOf(replica);
      const env = () => adjust(replica, environmentOf(replica, places));
      const args = [processFile(replica.service)];
      keepers.set(
        name,
        new Keeper({ name, program: process.execPath, args, env, isOurs: true }, log, onLine),
      );
    }
    const startAll = (wanted: (replica: Replica) => boolean) =>
      Promise.all(
        replicas.filter(wanted).map((replica) => {
          keepers.get(nameOf(replica))?.start();
          return ready(replica);
        }),
      );
    await startAll(({ service }) => service !== 'gateway');
    const loaded = await firstSeason(config.seasonFile, admin('concert'));
    if (loaded !== null) say(loaded);
    await startAll(({ service }) => service === 'gateway');
    const bind = address.slice('http://'.length);
    await run(await prepareBalancer(path.join(config.dataDir, 'haproxy'), { bind, host, replicas }, say));
    return {
      address,
      replicas,
      keepers,
      broken: postgres ? postgres.exited.then(({ message }) => message) : new Promise(() => {}),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The door first, then the sagas, those that they ask, and the engines: what was accepted is finished on the way. */
async function stopAll(keepers: ReadonlyMap<string, Keeper>): Promise<void> {
  const rest = new Map(keepers);
  const stage = async (isNow: (name: string) => boolean) => {
    const now = [...rest].filter(([name]) => isNow(name));
    for (const [name] of now) rest.delete(name);
    await Promise.all(now.map(([, keeper]) => keeper.stop()));
  };
  await stage((name) => name.startsWith('gateway-'));
  await stage((name) => name.startsWith('orchestrator-'));
  await stage((name) => withDatabase.some((service) => name.startsWith(`${service}-`)));
  await stage(() => true);
}

async function placeReplicas(count: number): Promise<Replica[]> {
  const replicas: Replica[] = [];
  for (const service of services)
    for (let number = 1; number <= count; number++)
      replicas.push({ service, number, port: await freePort(), healthPort: await freePort() });
  return replicas;
}

async function ready({ service, number, healthPort }: Replica): Promise<void> {
  const giveUpAt = Date.now() + readyMsMax;
  while (!(await isReady(healthPort))) {
    if (Date.now() > giveUpAt)
      throw new Error(`${nameOf({ service, number })} was not ready within ${readyMsMax / 1_000} s.`);
    await new Promise((later) => setTimeout(later, 50));
  }
}

const isReady = (healthPort: number): Promise<boolean> =>
  fetch(`http://${host}:${healthPort}/readyz`, { signal: AbortSignal.timeout(3_000) }).then(
    ({ ok }) => ok,
    () => false,
  );

/** Values that all processes of a service share. Secrets that nobody set are made once and kept. */
async function settingsOf(config: ClusterConfig, secretsFolder: string): Promise<Places['settings']> {
  const { value: accessTokenKey } = await keptSecret(secretsFolder, 'access-token-key');
  const { value: admissionTokenKey } = await keptSecret(secretsFolder, 'admission-token-key');
  const { value: ticketKey } = await keptSecret(secretsFolder, 'ticket-key');
  const secret =
    config.partnerSecret ??
    (await keptSecret(secretsFolder, 'partner-secret', () => `whsec_${randomBytes(24).toString('base64')}`))
      .value;
  return {
    user: { ACCESS_TOKEN_KEY: accessTokenKey, SECRETS_DIR: secretsFolder },
    concert: { HOLD_SECONDS: String(config.holdSeconds) },
    'waiting-room': {
      ADMISSION_TOKEN_KEY: admissionTokenKey,
      ADMISSION_SECONDS: String(config.admissionSeconds),
    },
    partner: { PARTNER_SECRET: secret, ...(config.partnerUrl && { PARTNER_URL: config.partnerUrl.href }) },
    gateway: {
      ACCESS_TOKEN_KEY: accessTokenKey,
      ADMISSION_TOKEN_KEY: admissionTokenKey,
      TICKET_KEY: ticketKey,
      RATE_LIMITS: config.rateLimits,
      POINT_CHARGES: config.charges,
      ...(config.webDir !== undefined && { WEB_DIR: config.webDir }),
    },
  };
}

/** Where everything is, for `npm run dead-letters`, for Prometheus, and for whoever looks. */
async function writeConnections(
  dataDir: string,
  { address, replicas, natsUrl }: { address: string; replicas: readonly Replica[]; natsUrl: string },
): Promise<void> {
  const file = path.join(dataDir, 'cluster.json');
  await writeFile(file, `${JSON.stringify({ address, natsUrl, replicas }, null, 2)}\n`, { mode: 0o600 });
  const targets = replicas.map((replica) => ({
    targets: [`${host}:${replica.healthPort}`],
    labels: { service: replica.service, replica: String(replica.number) },
  }));
  await writeFile(path.join(dataDir, 'prometheus-targets.json'), `${JSON.stringify(targets, null, 2)}\n`);
}

async function firstSeason(file: string, concert: Connection): Promise<string | null> {
  const database = new Database(concert, { connectionsMax: 2 });
  try {
    return await ensureSeason(database, file);
  } finally {
    await database.close();
  }
}

function databaseOn(server: string, database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}

const allServices = (url: string): Record<ServiceOnBus, string> => ({
  user: url,
  concert: url,
  payment: url,
  partner: url,
  orchestrator: url,
  gateway: url,
});
