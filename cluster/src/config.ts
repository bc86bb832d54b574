import { readRateLimits } from '@tutti/gateway';
import { Environment } from '@tutti/kit/service';
import path from 'node:path';
import { databaseOf, withDatabase, type ServiceWithDatabase } from './topology.ts';

export type ClusterConfig = {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  /** Of every service. */
  readonly replicas: number;
  /** Servers that are there already; each that is missing is started, private to this cluster. By service: it may have one of its own. */
  readonly postgresUrls: Readonly<Partial<Record<ServiceWithDatabase, string>>>;
  readonly natsUrl: string | undefined;
  readonly redisUrl: string | undefined;
  readonly holdSeconds: number;
  readonly admissionSeconds: number;
  readonly partnerUrl: URL | undefined;
  readonly partnerSecret: string | undefined;
  readonly charges: string;
  readonly rateLimits: string;
  /** The fans' web app as it was built; none: only the API. */
  readonly webDir: string | undefined;
  readonly logLevel: string;
  readonly seasonFile: string;
};

const root = new URL('../../', import.meta.url);

/** Environment in, configuration out; throws one error with everything that is wrong. */
export function readClusterConfig(env: Readonly<Record<string, string | undefined>>): ClusterConfig {
  const read = new Environment(env);
  const config: ClusterConfig = {
    host: read.text('HOST', '127.0.0.1'),
    port: read.integer('PORT', 3000, { min: 0, max: 65_535 }),
    dataDir: path.resolve(read.text('DATA_DIR', './data')),
    replicas: read.integer('REPLICAS', 1, { min: 1, max: 16 }),
    postgresUrls: postgresUrlsOf(read),
    natsUrl: urlOf(read, 'NATS_URL', 'nats'),
    redisUrl: urlOf(read, 'REDIS_URL', 'redis'),
    holdSeconds: read.integer('HOLD_SECONDS', 300, { min: 1, max: 86_400 }),
    admissionSeconds: read.integer('ADMISSION_SECONDS', 600, { min: 5, max: 86_400 }),
    partnerUrl: read.url('PARTNER_URL'),
    partnerSecret: read.optional('PARTNER_SECRET'),
    charges: read.oneOf('POINT_CHARGES', 'demo', ['demo', 'off']),
    rateLimits: readRateLimits(read),
    webDir: read.optional('WEB_DIR'),
    logLevel: read.oneOf('LOG_LEVEL', 'info', ['trace', 'debug', 'info', 'warn', 'error', 'silent']),
    seasonFile: read.text('SEASON', new URL('seasons/demo.yaml', root).pathname),
  };
  read.check();
  return Object.freeze(config);
}

/** One server for all of them, or a server of its own for a service (`CONCERT_POSTGRES_URL`). */
function postgresUrlsOf(read: Environment): ClusterConfig['postgresUrls'] {
  const shared = urlOf(read, 'POSTGRES_URL', 'postgres');
  const own = withDatabase.flatMap((service) => {
    const url = urlOf(read, `${databaseOf(service).toUpperCase()}_POSTGRES_URL`, 'postgres') ?? shared;
    return url === undefined ? [] : [[service, url] as const];
  });
  return Object.fromEntries(own);
}

function urlOf(read: Environment, name: string, scheme: string): string | undefined {
  const text = read.optional(name);
  if (text === undefined) return undefined;
  if (URL.canParse(text) && new URL(text).protocol.startsWith(scheme)) return text;
  // The value may hold a password: it is not repeated.
  read.fault(`${name} must be an address that begins with ${scheme}://.`);
  return undefined;
}
