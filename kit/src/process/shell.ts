import type { Bus } from '../messaging/index.ts';
import { JetStreamBus } from '../messaging/jetstream.ts';
import { RpcServer } from '../rpc/index.ts';
import {
  armCrashPoint,
  ConfigurationError,
  createLog,
  Environment,
  parseCrashPoint,
  whenParentLeaves,
  type Log,
} from '../service/index.ts';
import {
  readTelemetryConfig,
  startTelemetry,
  type MeasurableBus,
  type ServiceTelemetry,
} from '../telemetry/index.ts';
import { openHealthServer, type Routes } from './health-server.ts';

/** What a service is given when it is a process of its own. */
export type ProcessContext = {
  readonly env: Environment;
  readonly log: Log;
  readonly telemetry: ServiceTelemetry;
  readonly host: string;
};

/** The same for a service that commands reach, or that sends them. */
export type ConnectedContext = ProcessContext & { readonly bus: Bus };

export type RunningService = {
  /** Throws when a part that it needs does not answer. */
  ready(): Promise<void>;
  /** What `/readyz` tells beside that, for whoever looks; it decides nothing. */
  readonly detail?: () => Promise<object>;
  /** Ends in order: takes nothing new, finishes what is under way. */
  stop(): Promise<void>;
  /** Adds the queries that it answers by gRPC, at PORT. */
  readonly serve?: (server: RpcServer) => void;
  /** How many of them may run at once, of each gRPC service; without it, as many as `RpcServer` says. */
  readonly callsMax?: number;
  /** More that the private door answers. */
  readonly routes?: Routes;
  /** Milliseconds between being told to leave and leaving: long enough for a balancer to look elsewhere. */
  readonly noticeMs?: number;
};

const readyTimeoutMs = 2_000;
const queriesGraceMs = 5_000;

/**
 * A service as a process of its own: configuration from the environment, a bus, a private door for health and metrics, and an
 * orderly end on SIGTERM, SIGINT, or when the process that started it is gone. What goes wrong at the start ends it with one
 * line; whoever keeps it running starts it again.
 */
export const runProcess = (
  service: string,
  start: (context: ConnectedContext) => Promise<RunningService>,
): Promise<void> =>
  runShell(service, true, (context, bus) => {
    if (!bus) throw new TypeError('a bus was asked for');
    return start({ ...context, bus });
  });

/** The same for a service that is only asked: the queue may be away, and it does not know. */
export const runProcessOffBus = (
  service: string,
  start: (context: ProcessContext) => Promise<RunningService>,
): Promise<void> => runShell(service, false, start);

type Start = (context: ProcessContext, bus: Bus | undefined) => Promise<RunningService>;

async function runShell(service: string, isOnBus: boolean, start: Start): Promise<void> {
  let log = createLog('info').child({ service });
  try {
    const env = new Environment(process.env);
    const settings = readSettings(env, isOnBus);
    log = createLog(settings.logLevel).child({ service, replica: settings.replica });
    if (settings.crashPoint) armCrashPoint(settings.crashPoint);
    await run(service, start, env, settings, log);
  } catch (error) {
    log.fatal({ error }, error instanceof ConfigurationError ? error.message : 'the process could not start');
    process.exitCode = 1;
    // Whatever was opened before it failed must not keep a process alive that does nothing.
    setTimeout(() => process.exit(1), 100);
  }
}

type Settings = ReturnType<typeof readSettings>;

function readSettings(env: Environment, isOnBus: boolean) {
  return {
    host: env.text('HOST', '127.0.0.1'),
    replica: env.text('REPLICA', '1'),
    port: env.integer('PORT', 0, { min: 0, max: 65_535 }),
    healthPort: env.integer('HEALTH_PORT', 0, { min: 0, max: 65_535 }),
    natsUrl: isOnBus ? env.required('NATS_URL', 'where the message queue is') : undefined,
    logLevel: env.oneOf('LOG_LEVEL', 'info', ['trace', 'debug', 'info', 'warn', 'error', 'silent']),
    crashPoint: env.parsed('CRASHPOINT', parseCrashPoint),
    telemetry: readTelemetryConfig(env),
  };
}

async function run(
  service: string,
  start: Start,
  env: Environment,
  { host, replica, port, healthPort, natsUrl, telemetry: config }: Settings,
  log: Log,
): Promise<void> {
  env.check();
  const telemetry = startTelemetry({ service, replica, log, config });
  const name = `${service}-${replica}`;
  const carrier =
    natsUrl === undefined ? undefined : await JetStreamBus.connect({ servers: natsUrl, name, log });
  const bus = carrier && telemetry.watchBus(measurable(carrier));
  const own = telemetry.of(service);
  const running = await start({ env, log, telemetry: own, host }, bus);
  const { serve, callsMax: runningMax } = running;
  const queries = serve && new RpcServer({ log, runningMax, ready: () => running.ready(), spans: own.spans });
  if (queries) {
    serve(queries);
    await queries.listen(host, port);
  }
  let isLeaving = false;
  const door = await openHealthServer(host, healthPort, {
    'GET /healthz': async () => ({ status: 200, body: '{"status":"alive"}' }),
    'GET /readyz': async () => {
      const isReady = !isLeaving && (await answersInTime(running.ready()));
      const detail = await running.detail?.().catch(() => ({}));
      // Told, and no reason to leave: the queue is behind all replicas, and queries go on without it.
      const queue = carrier && { queue: carrier.isConnected ? 'up' : 'down' };
      const body = JSON.stringify({ status: isReady ? 'ready' : 'not ready', ...queue, ...detail });
      return { status: isReady ? 200 : 503, body };
    },
    'GET /metrics': async () => {
      const { contentType, body } = await telemetry.metrics();
      return { status: 200, type: contentType, body };
    },
    ...running.routes,
  });
  log.info('ready');

  const leave = (why: string) => {
    if (isLeaving) return;
    isLeaving = true;
    log.info({ why }, 'stopping');
    void (async () => {
      await new Promise((later) => setTimeout(later, running.noticeMs ?? 0));
      await queries?.stop(queriesGraceMs);
      await running.stop();
      await carrier?.close();
      await telemetry.stop();
      door.close();
      log.info('stopped');
    })().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ error }, 'could not stop in order');
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => leave(signal));
  whenParentLeaves(() => leave('the parent process left'));
}

/** The bus with its figures as metrics want them. */
const measurable = (bus: JetStreamBus): MeasurableBus => ({
  publish: (to, messages) => bus.publish(to, messages),
  consume: (from, handler, options) => bus.consume(from, handler, options),
  deadLetters: () => bus.deadLetters(),
  replayDeadLetters: (queueName) => bus.replayDeadLetters(queueName),
  close: () => bus.close(),
  stats: () =>
    [...bus.stats()].map(([queue, { waiting, deadLetters }]) => ({ queue, depth: waiting, deadLetters })),
});

async function answersInTime(check: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((done) => {
    timer = setTimeout(() => done(false), readyTimeoutMs);
  });
  const isReady = check.then(
    () => true,
    () => false,
  );
  return Promise.race([isReady, late]).finally(() => clearTimeout(timer));
}
