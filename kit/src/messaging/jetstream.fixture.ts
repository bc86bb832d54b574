import { randomUUID } from 'node:crypto';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { queue, type ConsumeOptions, type Delivery, type Handler, type Queue } from './bus.ts';
import { JetStreamBus, type JetStreamOptions } from './jetstream-bus.ts';
import { deadLetterStream } from './jetstream-streams.ts';

/** Buses on one server, and a hand that may do there whatever it likes. */
export class BrokerStage {
  readonly url: string;
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly #buses: JetStreamBus[] = [];

  static async at(url: string, credentials: { user?: string; pass?: string } = {}): Promise<BrokerStage> {
    const connection = await connect({
      servers: url,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
      reconnectJitter: 0,
      ...credentials,
    });
    return new BrokerStage(url, connection, await jetstreamManager(connection, { timeout: 10_000 }));
  }

  constructor(url: string, connection: NatsConnection, manager: JetStreamManager) {
    this.url = url;
    this.connection = connection;
    this.manager = manager;
  }

  async bus(options: Partial<JetStreamOptions> = {}): Promise<JetStreamBus> {
    const bus = await JetStreamBus.connect({ servers: this.url, name: 'test', retryFirstMs: 10, ...options });
    this.#buses.push(bus);
    return bus;
  }

  /** In a stream of its own: tests break streams. */
  queue<T = string>(): Queue<T> {
    return queue<T>(`stage-${randomUUID()}.things`);
  }

  /** Ends the test's buses, and forgets the dead letters. */
  async clear(): Promise<void> {
    await Promise.all(this.#buses.splice(0).map((bus) => bus.close()));
    await this.manager.streams.purge(deadLetterStream).catch(() => {});
  }

  async close(): Promise<void> {
    await this.clear();
    await this.connection.close();
  }
}

export type Seen = {
  readonly batches: Delivery<string>[][];
  deliveriesOf(message: string): number[];
  all(): string[];
};

/** Consumes and notes every delivery; the handler comes after. */
export function watching(
  bus: JetStreamBus,
  from: Queue<string>,
  handler: Handler<string> = () => Promise.resolve(),
  options: ConsumeOptions = {},
): Seen & { stop(): Promise<void> } {
  const batches: Delivery<string>[][] = [];
  const consumer = bus.consume(
    from,
    (batch) => {
      batches.push(batch.map(({ message, deliveries }) => ({ message, deliveries })));
      return handler(batch);
    },
    options,
  );
  return {
    batches,
    stop: () => consumer.stop(),
    all: () => batches.flat().map(({ message }) => message),
    deliveriesOf: (wanted) =>
      batches.flat().flatMap(({ message, deliveries }) => (message === wanted ? [deliveries] : [])),
  };
}
