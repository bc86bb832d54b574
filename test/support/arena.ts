import { startCluster, type Cluster } from '@tutti/cluster/cluster';
import { readClusterConfig } from '@tutti/cluster/config';
import { nameOf, services, withDatabase, type Replica, type Service } from '@tutti/cluster/topology';
import { startEmbedded, type Connection, type EmbeddedPostgres } from '@tutti/kit/postgres';
import { createLog, freePort } from '@tutti/kit/service';
import { databaseNames, type DatabaseName } from '@tutti/standalone/system';
import { createWriteStream, type WriteStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Installation } from './installation.ts';
import { Passage } from './passage.ts';
import { replicasOf, type ReplicaProcess } from './replicas.ts';

const season = path.resolve(import.meta.dirname, 'season.yaml');

/** What a process talks to: an engine, or (a gateway) a replica by its name. */
export type Other = 'nats' | 'postgres' | 'redis' | (string & {});

/**
 * A cluster that runs below this process, with a PostgreSQL of its own for each service and a passage on every way between its
 * parts, so that a test can reach between them.
 */
export class Arena extends Installation {
  readonly dataDir: string;
  readonly pid = process.pid;
  /** Added to the environment of a replica at its next start, by its name. */
  readonly extraEnvironment = new Map<string, Readonly<Record<string, string>>>();
  readonly #env: Readonly<Record<string, string>>;
  readonly #passages = new Map<string, Passage>();
  readonly #postgres = new Map<DatabaseName, EmbeddedPostgres>();
  readonly #logFile: WriteStream;
  #cluster: Cluster | undefined;

  private constructor(dataDir: string, env: Readonly<Record<string, string>>) {
    super();
    this.dataDir = dataDir;
    this.#env = env;
    this.#logFile = createWriteStream(path.join(dataDir, 'tutti.log'), { flags: 'a' });
  }

  /** Two processes of every service, unless `env` says otherwise, ready for the first request. */
  static async open(env: Readonly<Record<string, string>> = {}): Promise<Arena> {
    const dataDir = await mkdtemp(path.join(tmpdir(), 'tutti-arena-'));
    // PostgreSQL runs as another user when this is root, and has to get in.
    await chmod(dataDir, 0o755);
    const arena = new Arena(dataDir, env);
    try {
      await arena.#open();
      return arena;
    } catch (error) {
      await arena.close();
      throw error;
    }
  }

  get address(): string {
    return this.cluster.address;
  }

  get cluster(): Cluster {
    if (!this.#cluster) throw new Error('The cluster does not run.');
    return this.#cluster;
  }

  connection(database: DatabaseName): Connection {
    return this.#server(database).connection(database);
  }

  get replicas(): ReplicaProcess[] {
    return replicasOf(this);
  }

  replica(name: string): ReplicaProcess {
    const found = this.replicas.find((one) => one.name === name);
    if (!found) throw new Error(`There is no replica ${name}.`);
    return found;
  }

  /** The passage by which a replica reaches one of the others. */
  passage(from: string, to: Other): Passage {
    const passage = this.#passages.get(`${from} → ${to}`);
    if (!passage) throw new Error(`${from} has no way to ${to}.`);
    return passage;
  }

  /** All passages that begin at `from` or lead to it. */
  passagesOf(name: string): Passage[] {
    return [...this.#passages].flatMap(([way, passage]) =>
      way.split(' → ').includes(name) ? [passage] : [],
    );
  }

  /** The passages of all that talk to one engine, or to a replica. */
  passagesTo(other: Other): Passage[] {
    return [...this.#passages].flatMap(([way, passage]) => (way.endsWith(`→ ${other}`) ? [passage] : []));
  }

  /** The passages by which a replica reaches the others. */
  passagesFrom(name: string): Passage[] {
    return [...this.#passages].flatMap(([way, passage]) => (way.startsWith(`${name} →`) ? [passage] : []));
  }

  get passages(): readonly Passage[] {
    return [...this.#passages.values()];
  }

  /** Stops a service's PostgreSQL in order (`SIGINT`: its connections end) and keeps it away until `startPostgres`. */
  async stopPostgres(database: DatabaseName): Promise<void> {
    await this.#server(database).stop();
  }

  async startPostgres(database: DatabaseName): Promise<void> {
    this.#postgres.set(
      database,
      await startEmbedded({
        dataDir: path.join(this.dataDir, 'servers', database),
        settings: { max_connections: '60', shared_buffers: '64MB' },
        trusts: 'superuser',
        log: () => {},
      }),
    );
    // Its socket may be in another folder than before.
    for (const { name, service } of this.#cluster ? this.replicas : [])
      if (service.replaceAll('-', '_') === database)
        this.passage(name, 'postgres').target = this.#socketOf(database);
  }

  /** Ends everything; nothing that was broken before may hold it up. */
  async close(): Promise<void> {
    for (const { pid } of this.#cluster ? this.replicas : []) resume(pid());
    for (const passage of this.passages) passage.heal();
    await this.#cluster?.stop();
    for (const server of this.#postgres.values()) await server.stop();
    for (const passage of this.passages) await passage.close();
    await new Promise((done) => this.#logFile.end(done));
    await rm(this.dataDir, { recursive: true, force: true });
  }

  async #open(): Promise<void> {
    await mkdir(path.join(this.dataDir, 'servers'));
    await Promise.all(databaseNames.map((name) => this.startPostgres(name)));
    const urls = databaseNames.map((name) => [`${name.toUpperCase()}_POSTGRES_URL`, this.#urlOf(name)]);
    const config = readClusterConfig({
      DATA_DIR: this.dataDir,
      PORT: String(await freePort()),
      REPLICAS: '2',
      RATE_LIMITS: 'off',
      SEASON: season,
      ...Object.fromEntries(urls),
      ...this.#env,
    });
    await this.#openPassages(config.replicas);
    const log = createLog(config.logLevel, { write: (line) => this.#logFile.write(line) });
    this.#cluster = await startCluster(
      config,
      log,
      this.write,
      () => {},
      (replica, env) => this.#through(replica, env),
    );
  }

  /** Adds a line to the log that all processes share. */
  readonly write = (line: string): void => void this.#logFile.write(`${line}\n`);

  /** One for every way that there will be; where it leads is known when the process that goes it starts. */
  async #openPassages(replicas: number): Promise<void> {
    const numbers = Array.from({ length: replicas }, (_, at) => at + 1);
    const namesOf = (service: Service) => numbers.map((number) => nameOf({ service, number }));
    const ways = services.flatMap((service) =>
      namesOf(service).flatMap((name) => {
        const asked =
          service === 'gateway' ? withDatabase : service === 'waiting-room' ? (['concert'] as const) : [];
        const others = [service === 'gateway' ? 'redis' : 'postgres', ...asked.flatMap(namesOf)];
        return ['nats', ...others].map((other) => `${name} → ${other}`);
      }),
    );
    for (const way of ways) this.#passages.set(way, await Passage.open());
  }

  /** The environment of a process, with every address in it that of a passage. */
  #through(replica: Replica, env: Record<string, string>): Record<string, string> {
    const name = nameOf(replica);
    const detoured = Object.entries(env).map(([key, value]) => {
      if (key === 'NATS_URL') return [key, detour(value, this.passage(name, 'nats'))];
      if (key === 'REDIS_URL') return [key, detour(value, this.passage(name, 'redis'))];
      if (key === 'DATABASE_URL') return [key, this.#toPostgres(replica.service, name, value)];
      if (!key.endsWith('_ADDRESSES')) return [key, value];
      const service = key.slice(0, -'_ADDRESSES'.length).toLowerCase().replaceAll('_', '-');
      const ports = value.split(',').map((address, at) => {
        const passage = this.passage(name, `${service}-${at + 1}`);
        passage.target = { host: hostOf(address), port: Number(address.split(':')[1]) };
        return `127.0.0.1:${passage.port}`;
      });
      return [key, ports.join()];
    });
    return { ...Object.fromEntries(detoured), ...this.extraEnvironment.get(name) };
  }

  #toPostgres(service: Service, name: string, url: string): string {
    const passage = this.passage(name, 'postgres');
    const database = databaseNames.find((one) => one === service.replaceAll('-', '_'));
    if (database) passage.target = this.#socketOf(database);
    const there = new URL(url);
    return `postgresql://${there.username}:${there.password}@127.0.0.1:${passage.port}${there.pathname}`;
  }

  #server(database: DatabaseName): EmbeddedPostgres {
    const server = this.#postgres.get(database);
    if (!server) throw new Error(`${database} has no PostgreSQL.`);
    return server;
  }

  #socketOf(database: DatabaseName): { path: string } {
    const { socketDir, port } = this.#server(database);
    return { path: path.join(socketDir, `.s.PGSQL.${port}`) };
  }

  #urlOf(database: DatabaseName): string {
    const { socketDir, port } = this.#server(database);
    return `postgresql://postgres@localhost/postgres?host=${encodeURIComponent(socketDir)}&port=${port}`;
  }
}

const hostOf = (address: string): string => address.split(':')[0] ?? '';

/** The same address with the passage in front of it. */
function detour(text: string, passage: Passage): string {
  const url = new URL(text);
  passage.target = { host: url.hostname, port: Number(url.port) };
  url.hostname = '127.0.0.1';
  url.port = String(passage.port);
  return url.href;
}

function resume(pid: number): void {
  try {
    if (pid > 0) process.kill(pid, 'SIGCONT');
  } catch {
    // It ended meanwhile.
  }
}
