import { readRateLimits } from '@tutti/gateway';
import { Environment, parseCrashPoint, type CrashOrder } from '@tutti/kit/service';
import { readTelemetryConfig, type TelemetryConfig } from '@tutti/kit/telemetry';
import path from 'node:path';

export type Config = {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  readonly holdSeconds: number;
  /** How long a fan who was let in may be inside without holding anything. */
  readonly admissionSeconds: number;
  /** None: the receiver that the system itself serves. */
  readonly partnerUrl: URL | undefined;
  readonly partnerSecret: string | undefined;
  readonly chargesEnabled: boolean;
  readonly rateLimits: string;
  readonly logLevel: string;
  /** The season that is loaded the first time. */
  readonly seasonFile: string;
  /** The fans' web app as it was built; none: only the API. */
  readonly webDir: string | undefined;
  readonly drainSeconds: number;
  /** Who may read `/metrics`: programs on this machine, everybody who reaches the API, or nobody. */
  readonly metrics: 'local' | 'on' | 'off';
  readonly telemetry: TelemetryConfig;
  /** Where a test wants this process to die. */
  readonly crashPoint: CrashOrder | undefined;
};

const root = new URL('../../', import.meta.url);

/** Environment in, configuration out; throws one error with everything that is wrong. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const read = new Environment(env);
  const config: Config = {
    host: read.text('HOST', '127.0.0.1'),
    port: read.integer('PORT', 3000, { min: 0, max: 65_535 }),
    dataDir: path.resolve(read.text('DATA_DIR', './data')),
    holdSeconds: read.integer('HOLD_SECONDS', 300, { min: 1, max: 86_400 }),
    admissionSeconds: read.integer('ADMISSION_SECONDS', 600, { min: 5, max: 86_400 }),
    partnerUrl: read.url('PARTNER_URL'),
    partnerSecret: read.optional('PARTNER_SECRET'),
    chargesEnabled: read.oneOf('POINT_CHARGES', 'demo', ['demo', 'off']) === 'demo',
    rateLimits: readRateLimits(read),
    logLevel: read.oneOf('LOG_LEVEL', 'info', ['trace', 'debug', 'info', 'warn', 'error', 'silent']),
    seasonFile: read.text('SEASON', new URL('seasons/demo.yaml', root).pathname),
    webDir: read.optional('WEB_DIR'),
    drainSeconds: read.integer('DRAIN_SECONDS', 10, { min: 0, max: 600 }),
    metrics: read.oneOf('METRICS', 'local', ['local', 'on', 'off']),
    telemetry: readTelemetryConfig(read),
    crashPoint: read.parsed('CRASHPOINT', parseCrashPoint),
  };
  read.check();
  return Object.freeze(config);
}
