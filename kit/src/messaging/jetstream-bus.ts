import { retryDefaults, type RetryOptions } from './batch.ts';
import {
  consumeDefaults,
  type Bus,
  type Consumer,
  type ConsumeOptions,
  type DeadLetter,
  type Handler,
  type Queue,
} from './bus.ts';
import { QueueConsumer, type QueueCounts } from './jetstream-consumer.ts';
import { DeadLetters } from './jetstream-dead-letters.ts';
import { FrameMemory } from './jetstream-delivery.ts';
import { packFrames } from './jetstream-frames.ts';
import { isDenied, Publisher } from './jetstream-publisher.ts';
import { streamDefaults, streamOf, Streams, type StreamLimits } from './jetstream-streams.ts';
import { connectMsMax, NatsLink, pause, within, type NatsOptions } from './nats-link.ts';
import { steadyNow } from '../service/steady-clock.ts';

export type JetStreamOptions = NatsOptions &
  Partial<StreamLimits & RetryOptions> & {
    /** The streams whose queues this process serves: made at the start, and again whenever the server comes back without. */
    readonly streams?: readonly string[];
    /** How long a message may take to be the server's own, with everything that goes wrong in between. */
    readonly publishWithinMs?: number;
  };

type Settings = StreamLimits & RetryOptions & { readonly publishWithinMs: number };

const defaults: Settings = { ...streamDefaults, ...retryDefaults, publishWithinMs: 5_000 };
const statsKeptMs = 1_000;
const connectPauseMs = 100;
const queuesKnownMax = 1_000;

type QueueState = {
  readonly counts: QueueCounts;
  readonly memory: FrameMemory;
  consumer?: QueueConsumer;
  waitingMax?: number;
  waiting: number;
  deadLetters: number;
};

export type QueueStats = Readonly<QueueCounts> & {
  /** Frames that are not done, as the server said when it was last asked; 0 of queues that this process does not serve. */
  readonly waiting: number;
  /** Likewise: whichever process set them aside. */
  readonly deadLetters: number;
};

/**
 * The bus over NATS JetStream, from server 2.9 on. A queue is a subject whose first word names a stream, and has one durable
 * consumer that all replicas of its service share. A frame is one NATS message of up to 512 of ours.
 */
export class JetStreamBus implements Bus {
  readonly #link: NatsLink;
  readonly #streams: Streams;
  readonly #publisher: Publisher;
  readonly #deadLetters: DeadLetters;
  readonly #settings: Settings;
  readonly #log: NatsOptions['log'];
  readonly #queues = new Map<string, QueueState>();
  #askedAt = 0;
  #closing: Promise<void> | undefined;
  #isClosed = false;

  /** Throws when the server is not there in time, does not let us in, or has not the streams and does not let us make them. */
  static async connect(options: JetStreamOptions): Promise<JetStreamBus> {
    const link = await NatsLink.connect(options);
    const settings: Settings = { ...defaults, ...options };
    const bus = new JetStreamBus(link, await Streams.of(link.connection, settings), settings, options.log);
    const own = options.streams ?? [];
    link.onReconnect(() => void bus.#makeAgain(own));
    const giveUpAt = steadyNow() + (options.connectWithinMs ?? connectMsMax);
    for (;;)
      try {
        for (const stream of own) await bus.#streams.ensure(streamOf(stream));
        return bus;
      } catch (error) {
        // A server that was just started lets us in before its streams are there.
        if (steadyNow() < giveUpAt && !isDenied(error)) await pause(connectPauseMs);
        else {
          await link.close();
          throw new Error(`The streams ${own.join(', ')} could not be made.`, { cause: error });
        }
      }
  }

  constructor(link: NatsLink, streams: Streams, settings: Settings, log: NatsOptions['log']) {
    this.#link = link;
    this.#streams = streams;
    this.#settings = settings;
    this.#log = log;
    this.#publisher = new Publisher(link, streams, settings.publishWithinMs);
    this.#deadLetters = new DeadLetters(streams, this.#publisher);
  }

  async publish<T>(to: Queue<T>, messages: readonly T[]): Promise<void> {
    if (this.#isClosed) throw new Error('The bus is closed.');
    streamOf(to.name);
    const frames = packFrames(
      to.name,
      messages.map((message) => ({ message, deliveries: 1, failures: 0 })),
    );
    const state = this.#queue(to.name);
    // Who consumes a queue sets its limits: they hold from the first message on.
    const opened = state.consumer?.opened;
    if (opened) await within(this.#settings.publishWithinMs, `Opening the queue ${to.name}`, opened);
    await this.#publisher.sendAll(to.name, frames);
    state.counts.published += messages.length;
  }

  consume<T>(from: Queue<T>, handler: Handler<T>, options: ConsumeOptions = {}): Consumer {
    if (this.#closing) throw new Error('The bus is closed.');
    const stream = streamOf(from.name);
    const state = this.#queue(from.name);
    if (state.consumer && !state.consumer.stopped) throw new Error(`The queue ${from.name} has a consumer.`);
    const consume = { ...consumeDefaults, ...options };
    state.waitingMax = consume.waitingMax;
    const consumer = new QueueConsumer({
      queueName: from.name,
      // A queue carries what its `Queue<T>` says; the map of queues cannot say so to the compiler.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      handler: handler as Handler<unknown>,
      consume,
      retry: this.#settings,
      brokerAckWaitMs: this.#settings.brokerAckWaitMs,
      link: this.#link,
      publisher: this.#publisher,
      deadLetters: this.#deadLetters,
      memory: state.memory,
      counts: state.counts,
      log: this.#log,
      prepare: async () => {
        const { created } = await this.#streams.ensure(stream, this.#waitingMaxOf(stream));
        await this.#streams.ensureConsumer(from.name);
        return created;
      },
    });
    state.consumer = consumer;
    return { stop: () => consumer.stop() };
  }

  deadLetters(): Promise<readonly DeadLetter[]> {
    return this.#deadLetters.list();
  }

  replayDeadLetters(queueName: string): Promise<number> {
    return this.#deadLetters.replay(queueName);
  }

  /** Waits for what is in flight, at most its `ackWaitMs`, and gives the rest back. Handlers in flight may still publish. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** What is known of every queue this process sends to or serves. To ask has the server asked, for the next time. */
  stats(): ReadonlyMap<string, QueueStats> {
    if (steadyNow() - this.#askedAt > statsKeptMs && this.#link.isUp) {
      this.#askedAt = steadyNow();
      void this.#askServer();
    }
    return new Map(
      [...this.#queues].map(([queue, { counts, waiting, deadLetters }]) => [
        queue,
        { ...counts, waiting, deadLetters },
      ]),
    );
  }

  async #close(): Promise<void> {
    const consumers = [...this.#queues.values()].flatMap(({ consumer }) => consumer ?? []);
    await Promise.all(consumers.map((consumer) => consumer.stop()));
    this.#isClosed = true;
    await this.#link.close();
  }

  #queue(name: string): QueueState {
    let state = this.#queues.get(name);
    if (!state) {
      const counts = { published: 0, delivered: 0, redelivered: 0, failed: 0, setAside: 0 };
      state = { counts, memory: new FrameMemory(), waiting: 0, deadLetters: 0 };
      this.#forgetOldest();
      this.#queues.set(name, state);
    }
    return state;
  }

  /** Queues of processes that come and go must not pile up. */
  #forgetOldest(): void {
    if (this.#queues.size < queuesKnownMax) return;
    for (const [name, { consumer }] of this.#queues)
      if (!consumer || consumer.stopped) {
        this.#queues.delete(name);
        return;
      }
  }

  /** A server limits all queues of a stream alike: the largest wish of those served here counts. */
  #waitingMaxOf(stream: string): number {
    const wishes = [...this.#queues].flatMap(([name, { consumer, waitingMax }]) =>
      waitingMax !== undefined && !consumer?.stopped && streamOf(name) === stream ? [waitingMax] : [],
    );
    return Math.max(...wishes, 1);
  }

  async #makeAgain(streams: readonly string[]): Promise<void> {
    for (const stream of streams)
      try {
        await this.#streams.ensure(stream);
      } catch (error) {
        this.#log?.warn({ error, stream }, 'a stream could not be made again yet; whoever needs it will try');
      }
  }

  /** What is not answered stays as it was: the next question is soon enough. */
  async #askServer(): Promise<void> {
    const served = [...this.#queues].filter(([, { consumer }]) => consumer && !consumer.stopped);
    const deadLetters = this.#streams.deadLetterCounts().catch(() => undefined);
    await Promise.all(
      served.map(async ([queue, state]) => {
        state.waiting = await this.#streams.depth(queue).catch(() => state.waiting);
        const counts = await deadLetters;
        if (counts) state.deadLetters = counts.get(queue) ?? 0;
      }),
    );
  }
}
