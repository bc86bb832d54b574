import type {
  ConcertQueries,
  OperationQueries,
  PartnerQueries,
  PaymentQueries,
  SaleControls,
  UserQueries,
  WaitingRoomQueries,
} from '@tutti/contracts';
import { ticketSigner } from '@tutti/contracts/ticket';
import type { Bus } from '@tutti/kit/messaging';
import { ConfigurationError, type Log } from '@tutti/kit/service';
import type { ServiceTelemetry } from '@tutti/kit/telemetry';
import { AdmissionGate } from './admission-gate.ts';
import { buildApp } from './app.ts';
import { Callers } from './callers.ts';
import { Effects } from './effects.ts';
import { LoadShedder } from './load-shedder.ts';
import { OwnRateLimits, parseRateLimits, type RateLimits } from './rate-limits.ts';
import { Seating } from './seating/seating.ts';
import { silentConnections } from './silent-connections.ts';
import { SharedRateLimits } from './shared-rate-limits.ts';
import type { GatewayParts, PartnerReceiver } from './parts.ts';
import type { MetricsDoor } from './routes/metrics.ts';

export { readRateLimits } from './rate-limits.ts';

export type GatewayOptions = {
  readonly bus: Bus;
  readonly log: Log;
  readonly host: string;
  readonly port: number;
  readonly users: UserQueries;
  readonly concerts: ConcertQueries;
  readonly payments: PaymentQueries;
  readonly operations: OperationQueries;
  readonly deliveries: PartnerQueries;
  readonly sales: SaleControls;
  readonly line: WaitingRoomQueries;
  readonly partnerStub: PartnerReceiver | null;
  readonly accessTokenKey: Buffer;
  readonly admissionTokenKey: Buffer;
  /** 32 bytes: the private key of what doors check. */
  readonly ticketKey: Buffer;
  readonly rateLimits: string;
  /** Redis, where gateways share what they count; without it each counts for itself. */
  readonly redisUrl?: string;
  readonly chargesEnabled: boolean;
  readonly checks: Readonly<Record<string, () => Promise<void>>>;
  readonly telemetry?: ServiceTelemetry | undefined;
  readonly withinTrace?: GatewayParts['withinTrace'];
  /** Where the fans' web app is, as its build left it. */
  readonly webDir?: string | undefined;
  /** Serves `/metrics` beside the API, for a system that has no private port. */
  readonly metrics?: MetricsDoor | undefined;
};

export type Gateway = {
  /** Where it listens, without a trailing slash. */
  readonly address: string;
  /**
   * Takes no new connection, answers what is under way. Without `patience` nothing can be answered any more: who waits is
   * told at once what is known.
   */
  stop(patience?: boolean): Promise<void>;
};

export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { bus, log, host, port, users, accessTokenKey, ticketKey, rateLimits, redisUrl, ...rest } = options;
  const admissions = new AdmissionGate(rest.admissionTokenKey, rest.sales, log);
  const callers = new Callers(accessTokenKey, users, log);
  const effects = new Effects(bus, log, rest.telemetry?.spans);
  const limits = rateLimitsOf(rateLimits, redisUrl, log);
  const loadShedder = new LoadShedder(() => effects.pendingCount);
  const seating = new Seating(rest.concerts, log, rest.telemetry);
  showLoad(rest.telemetry, effects, loadShedder);
  const app = await buildApp({
    ...rest,
    log,
    users,
    callers,
    admissions,
    effects,
    loadShedder,
    seating,
    tickets: ticketSigner(ticketKey),
    rateLimits: limits,
  });
  const silent = silentConnections(app.server);
  await callers.start();
  await admissions.start();
  const address = await app.listen({ host, port }).catch((error: unknown) => {
    throw notListening(error, host, port);
  });
  return {
    address,
    stop: async (patience = true) => {
      // Whoever listens would listen for ever.
      seating.stop();
      if (!patience) await effects.stop();
      // What was under way when we began to stop keeps its connection alive by its answer, and the server would wait until
      // the client lets go of it.
      const sweeping = setInterval(() => {
        app.server.closeIdleConnections();
        silent.close();
      }, 50);
      await app.close().finally(() => clearInterval(sweeping));
      await effects.stop();
      callers.stop();
      admissions.stop();
      limits.stop();
      loadShedder.stop();
    },
  };
}

function rateLimitsOf(text: string, redisUrl: string | undefined, log: Log): RateLimits {
  const rules = parseRateLimits(text);
  const own = new OwnRateLimits(rules);
  return redisUrl === undefined ? own : new SharedRateLimits({ url: redisUrl, rules, own, log });
}

function showLoad(
  telemetry: ServiceTelemetry | undefined,
  effects: Effects,
  { shedCounts }: LoadShedder,
): void {
  telemetry?.meters.gauge(
    { name: 'tutti_http_effects_waiting', help: 'Requests that wait for the answer of their saga.' },
    () => [[effects.pendingCount]],
  );
  telemetry?.meters.total(
    {
      name: 'tutti_http_shed_total',
      help: 'Requests refused because there was too much to do.',
      labels: ['class'],
    },
    () => Object.entries(shedCounts).map(([loadClass, count]) => [count, loadClass] as const),
  );
}

const whyNotListening: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use: stop what listens there, or choose another PORT',
  EACCES: 'is not for this user: choose a PORT above 1023',
  EADDRNOTAVAIL: 'is not an address of this machine: choose another HOST',
  ENOTFOUND: 'is not an address of this machine: choose another HOST',
};

function notListening(cause: unknown, host: string, port: number): unknown {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const why = whyNotListening[code];
  return why === undefined ? cause : new ConfigurationError(`${host}:${port} ${why}.`, { cause });
}
