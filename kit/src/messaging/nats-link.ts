import { connect, type Msg, type NatsConnection, type Payload } from '@nats-io/transport-node';
import type { Log } from '../service/log.ts';
import { steadyNow } from '../service/steady-clock.ts';

export type NatsOptions = {
  /** `nats://host:port`, one or several of one cluster; may hold user and password. */
  readonly servers: string | readonly string[];
  readonly user?: string;
  readonly password?: string;
  /** What this connection is called in the server's own lists. */
  readonly name: string;
  readonly log?: Pick<Log, 'info' | 'warn' | 'error'>;
  /** How long the server may take to be there at the start. */
  readonly connectWithinMs?: number;
};

/** What a user's replies and deliveries arrive at; its permissions name it. */
export const inboxPrefixOf = (user?: string): string => (user === undefined ? '_INBOX' : `_INBOX_${user}`);

export const pause = (ms: number): Promise<void> => new Promise((next) => setTimeout(next, ms));

/** Rejects when it takes longer; what was begun goes on unobserved. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms} ms.`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

export const connectMsMax = 10_000;
const pingMs = 5_000;
const flushMsMax = 20;
const closeMsMax = 2_000;

/**
 * A connection to NATS that comes back by itself, for as long as it takes. What was asked when it broke fails at once: the
 * client would throw it away and leave us waiting for the answer.
 */
export class NatsLink {
  readonly connection: NatsConnection;
  readonly inboxPrefix: string;
  readonly #log: NatsOptions['log'];
  readonly #asked = new Set<(reason: Error) => void>();
  readonly #waiting = new Set<() => void>();
  readonly #reconnected = new Set<() => void>();
  #isUp = true;
  #isClosing = false;

  static async connect(options: NatsOptions): Promise<NatsLink> {
    return new NatsLink(
      await connectWithin(options),
      inboxPrefixOf(credentialsOf(options).user),
      options.log,
    );
  }

  constructor(connection: NatsConnection, inboxPrefix: string, log?: NatsOptions['log']) {
    this.connection = connection;
    this.inboxPrefix = inboxPrefix;
    this.#log = log;
    void this.#watch();
  }

  get isUp(): boolean {
    return this.#isUp && !this.connection.isClosed();
  }

  /** Calls back after every reconnection, until what it returned is called. */
  onReconnect(listener: () => void): () => void {
    this.#reconnected.add(listener);
    return () => void this.#reconnected.delete(listener);
  }

  /** The answer; waits for a broken connection to come back, but not longer than `withinMs` in all. */
  async request(subject: string, payload: Payload, withinMs: number): Promise<Msg> {
    const giveUpAt = steadyNow() + withinMs;
    if (!this.isUp) await this.whenUp(withinMs);
    return new Promise((resolve, reject) => {
      this.#asked.add(reject);
      this.connection
        .request(subject, payload, { timeout: Math.max(1, giveUpAt - steadyNow()) })
        .then(resolve, reject)
        .finally(() => this.#asked.delete(reject));
    });
  }

  /** Says something nobody answers. Lost when there is no connection, as it might be on the way. */
  tell(subject: string, payload: Payload, reply?: string): void {
    if (this.isUp) this.connection.publish(subject, payload, reply === undefined ? {} : { reply });
  }

  /** Waits, a little, until the server has seen what was told, and we what it had sent before. */
  async flush(): Promise<void> {
    if (!this.isUp) return;
    await within(flushMsMax, 'A flush', this.connection.flush()).catch(() => {});
  }

  whenUp(withinMs: number): Promise<void> {
    if (this.isUp) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const up = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(up);
        reject(new Error('There is no connection to the message broker.'));
      }, withinMs);
      this.#waiting.add(up);
    });
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.isUp) await within(closeMsMax, 'Draining', this.connection.drain()).catch(() => {});
    await this.connection.close();
  }

  async #watch(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === 'disconnect') this.#lose();
      if (status.type === 'reconnect') this.#return();
      if (status.type === 'error') this.#log?.warn({ error: status.error }, 'the message broker complains');
    }
    this.#lose();
    if (!this.#isClosing) this.#log?.error('the connection to the message broker is closed for good');
  }

  #lose(): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    if (!this.#isClosing) this.#log?.warn('the connection to the message broker is lost');
    for (const reject of this.#asked) reject(new Error('The connection to the message broker was lost.'));
    this.#asked.clear();
  }

  #return(): void {
    this.#isUp = true;
    this.#log?.info('the connection to the message broker is back');
    for (const up of this.#waiting) up();
    this.#waiting.clear();
    for (const listener of this.#reconnected) listener();
  }
}

async function connectWithin(options: NatsOptions): Promise<NatsConnection> {
  const { user, password, servers } = credentialsOf(options);
  const giveUpAt = steadyNow() + (options.connectWithinMs ?? connectMsMax);
  for (;;)
    try {
      return await connect({
        servers,
        name: options.name,
        ...(user !== undefined && { user, pass: password ?? '' }),
        inboxPrefix: inboxPrefixOf(user),
        maxReconnectAttempts: -1,
        // A server that comes back with other passwords may be given ours again a minute later.
        ignoreAuthErrorAbort: true,
        reconnectTimeWait: 100,
        reconnectJitter: 200,
        pingInterval: pingMs,
        maxPingOut: 2,
        timeout: 5_000,
        // A stack for every request costs more than the request.
        noAsyncTraces: true,
      });
    } catch (error) {
      const isRefused = error instanceof Error && error.name === 'AuthorizationError';
      if (isRefused || steadyNow() > giveUpAt) {
        const why = isRefused ? `does not let ${user ?? 'an unknown user'} in` : 'cannot be reached';
        throw new Error(`The message broker at ${servers.join(', ')} ${why}.`, { cause: error });
      }
      await pause(200);
    }
}

/** The client does not read credentials from URLs. */
function credentialsOf({ servers, user, password }: NatsOptions): {
  servers: string[];
  user: string | undefined;
  password: string | undefined;
} {
  const urls = [servers]
    .flat()
    .map((server) => new URL(server.includes('://') ? server : `nats://${server}`));
  const named = urls.find(({ username }) => username !== '');
  return {
    // Without the credentials: they would be in logs and error messages.
    servers: urls.map(({ protocol, host }) => `${protocol}//${host}`),
    user: user ?? (named && decodeURIComponent(named.username)),
    password: password ?? (named && decodeURIComponent(named.password)),
  };
}
