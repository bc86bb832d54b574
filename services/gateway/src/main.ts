import type {
  ConcertQueries,
  OperationQueries,
  PartnerQueries,
  PaymentQueries,
  UserQueries,
} from '@tutti/contracts';
import type { Bus } from '@tutti/kit/messaging';
import { ConfigurationError, type Log } from '@tutti/kit/service';
import { buildApp } from './app.ts';
import { Callers } from './callers.ts';
import { Effects } from './effects.ts';
import { LoadShedder } from './load-shedder.ts';
import { parseRateLimits, RateLimits } from './rate-limits.ts';
import type { PartnerReceiver } from './parts.ts';

export { defaultRateLimits, parseRateLimits } from './rate-limits.ts';

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
  readonly partnerStub: PartnerReceiver | null;
  readonly accessTokenKey: Buffer;
  readonly rateLimits: string;
  readonly chargesEnabled: boolean;
  readonly checks: Readonly<Record<string, () => Promise<void>>>;
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
  const { bus, log, host, port, users, accessTokenKey, rateLimits, ...rest } = options;
  const callers = new Callers(accessTokenKey, users, log);
  const effects = new Effects(bus, log);
  const loadShedder = new LoadShedder(() => effects.pendingCount);
  const app = await buildApp({
    ...rest,
    log,
    users,
    callers,
    effects,
    loadShedder,
    rateLimits: new RateLimits(parseRateLimits(rateLimits)),
  });
  await callers.start();
  const address = await app.listen({ host, port }).catch((error: unknown) => {
    throw notListening(error, host, port);
  });
  return {
    address,
    stop: async (patience = true) => {
      if (!patience) await effects.stop();
      // What was under way when we began to stop keeps its connection alive by its answer, and the server would wait until
      // the client lets go of it.
      const sweeping = setInterval(() => app.server.closeIdleConnections(), 50);
      await app.close().finally(() => clearInterval(sweeping));
      await effects.stop();
      callers.stop();
      loadShedder.stop();
    },
  };
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
