import {
  retryDefaults,
  retryDelayMs,
  takeBatch,
  verdictsOf,
  type Parcel,
  type RetryOptions,
} from './batch.ts';
import {
  consumeDefaults,
  deadAtDelivery,
  QueueFull,
  type Bus,
  type Consumer,
  type ConsumeOptions,
  type DeadLetter,
  type Handler,
  type Queue,
  type Verdict,
} from './bus.ts';
import { Fifo } from './fifo.ts';

type Consuming = {
  handler: Handler<unknown>;
  options: Required<ConsumeOptions>;
  inFlight: number;
  stopped: boolean;
  scheduled: boolean;
  idle: (() => void)[];
};

type QueueState = {
  readonly name: string;
  readonly waiting: Fifo<Parcel>;
  readonly dead: Fifo<DeadLetter>;
  /** Messages that are not done: waiting, in flight, or to be tried again later. */
  load: number;
  loadMax: number;
  consumer?: Consuming;
};

export type InProcessBusOptions = Partial<RetryOptions> & {
  /** Dead letters kept per queue; the oldest make room, and are counted. */
  readonly deadLettersMax?: number;
};

/**
 * The bus of the embedded default: queues in the memory of one process. Messages are passed as they are, not copied, so
 * senders and handlers treat them as frozen. It forgets everything when the process dies, which the protocol allows.
 * A queue has one consumer at a time. Frames are a matter of the wire: here every message stands for itself.
 */
export class InProcessBus implements Bus {
  readonly #queues = new Map<string, QueueState>();
  readonly #retryTimers = new Set<NodeJS.Timeout>();
  readonly #options: Required<InProcessBusOptions>;
  #deadLettersDropped = 0;
  #closed = false;

  constructor(options: InProcessBusOptions = {}) {
    this.#options = { ...retryDefaults, deadLettersMax: 1_000, ...options };
  }

  async publish<T>(to: Queue<T>, messages: readonly T[]): Promise<void> {
    this.#put(this.#queue(to.name), messages);
  }

  consume<T>(from: Queue<T>, handler: Handler<T>, options: ConsumeOptions = {}): Consumer {
    if (this.#closed) throw new Error('The bus is closed.');
    const state = this.#queue(from.name);
    if (state.consumer && !state.consumer.stopped) throw new Error(`The queue ${from.name} has a consumer.`);
    const consumer: Consuming = {
      // A queue carries what its `Queue<T>` says; the map of queues cannot say so to the compiler.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      handler: handler as Handler<unknown>,
      options: { ...consumeDefaults, ...options },
      inFlight: 0,
      stopped: false,
      scheduled: false,
      idle: [],
    };
    state.consumer = consumer;
    state.loadMax = consumer.options.waitingMax;
    this.#schedule(state);
    return { stop: () => stopped(consumer).then(() => this.#dropIfUnused(state)) };
  }

  async deadLetters(): Promise<readonly DeadLetter[]> {
    return [...this.#queues.values()].flatMap(({ dead }) => [...dead]);
  }

  /** How many dead letters were dropped because too many had gathered. */
  get deadLettersDropped(): number {
    return this.#deadLettersDropped;
  }

  async replayDeadLetters(queueName: string): Promise<number> {
    const state = this.#queues.get(queueName);
    if (!state) return 0;
    const letters = [...state.dead];
    this.#put(
      state,
      letters.map(({ message }) => message),
    );
    // Taken off only when they are back on the queue, and before anything else can happen.
    for (const _ of letters) state.dead.shift();
    return letters.length;
  }

  /** Waits for what is in flight, at most its `ackWaitMs`; what waits is forgotten. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#retryTimers) clearTimeout(timer);
    this.#retryTimers.clear();
    const consumers = [...this.#queues.values()].flatMap(({ consumer }) => consumer ?? []);
    await Promise.all(consumers.map(stopped));
  }

  /** Messages per queue that are not done, for metrics. */
  depths(): ReadonlyMap<string, number> {
    return new Map([...this.#queues].map(([name, { load }]) => [name, load]));
  }

  #queue(name: string): QueueState {
    let state = this.#queues.get(name);
    if (!state) {
      state = { name, waiting: new Fifo(), dead: new Fifo(), load: 0, loadMax: consumeDefaults.waitingMax };
      this.#queues.set(name, state);
    }
    return state;
  }

  /** Queues of processes that come and go must not pile up. */
  #dropIfUnused(state: QueueState): void {
    const isUnused = state.load === 0 && state.dead.length === 0 && state.consumer?.stopped;
    if (isUnused && this.#queues.get(state.name) === state) this.#queues.delete(state.name);
  }

  #put(state: QueueState, messages: readonly unknown[]): void {
    if (this.#closed) throw new Error('The bus is closed.');
    if (state.load + messages.length > state.loadMax) throw new QueueFull(state.name);
    state.load += messages.length;
    for (const message of messages) state.waiting.push({ message, deliveries: 1, failures: 0 });
    this.#schedule(state);
  }

  /** Batches form at the end of the event-loop turn, so that everything this turn brought travels together. */
  #schedule(state: QueueState): void {
    const { consumer, waiting } = state;
    if (!consumer || consumer.scheduled || consumer.stopped || waiting.length === 0) return;
    const { inFlightMax, batchMax } = consumer.options;
    if (consumer.inFlight >= inFlightMax) return;
    consumer.scheduled = true;
    setImmediate(() => {
      consumer.scheduled = false;
      while (!consumer.stopped && waiting.length > 0 && consumer.inFlight < inFlightMax)
        this.#deliver(state, consumer, takeBatch(waiting, batchMax));
    });
  }

  #deliver(state: QueueState, consumer: Consuming, batch: readonly Parcel[]): void {
    let open = true;
    // Whoever settles a batch first decides. A handler that comes after its `ackWaitMs` speaks of messages that were
    // delivered again by then: to listen would do them twice as often each time.
    const settle = (decide: () => void) => {
      if (!open) return;
      open = false;
      clearTimeout(timer);
      decide();
      consumer.inFlight--;
      if (consumer.inFlight === 0) for (const done of consumer.idle.splice(0)) done();
      this.#schedule(state);
    };
    const { ackWaitMs } = consumer.options;
    const timer = setTimeout(
      () => settle(() => this.#fail(state, batch, `It was not settled within ${ackWaitMs} ms.`, true)),
      ackWaitMs,
    );
    consumer.inFlight++;
    verdictsOf(consumer.handler, batch).then(
      (verdicts) => settle(() => this.#obey(state, batch, verdicts)),
      (error: unknown) =>
        settle(() => this.#fail(state, batch, error instanceof Error ? error.message : String(error), false)),
    );
  }

  #obey(state: QueueState, batch: readonly Parcel[], verdicts: readonly Verdict[] | void): void {
    for (const [at, parcel] of batch.entries()) {
      const verdict = verdicts?.[at] ?? 'done';
      if (verdict === 'done') state.load--;
      else if ('dead' in verdict) this.#setAside(state, parcel, verdict.dead);
      else this.#later(state, [{ ...parcel, deliveries: parcel.deliveries + 1 }], verdict.retryAfterMs);
    }
  }

  #fail(state: QueueState, batch: readonly Parcel[], reason: string, hasWaited: boolean): void {
    const again: Parcel[] = [];
    for (const parcel of batch) {
      const failures = parcel.failures + 1;
      if (failures + 1 >= deadAtDelivery) this.#setAside(state, parcel, reason);
      else again.push({ message: parcel.message, deliveries: parcel.deliveries + 1, failures });
    }
    const failures = Math.max(0, ...again.map((parcel) => parcel.failures));
    this.#later(state, again, hasWaited ? 0 : retryDelayMs(failures, this.#options));
  }

  #later(state: QueueState, parcels: readonly Parcel[], delayMs: number): void {
    if (this.#closed || parcels.length === 0) return;
    const timer = setTimeout(() => {
      this.#retryTimers.delete(timer);
      for (const parcel of parcels) state.waiting.push(parcel);
      this.#schedule(state);
    }, delayMs);
    this.#retryTimers.add(timer);
  }

  #setAside(state: QueueState, { message }: Parcel, reason: string): void {
    state.load--;
    state.dead.push({ queue: state.name, message, reason, at: Date.now() });
    if (state.dead.length <= this.#options.deadLettersMax) return;
    state.dead.shift();
    this.#deadLettersDropped++;
  }
}

function stopped(consumer: Consuming): Promise<void> {
  consumer.stopped = true;
  return consumer.inFlight === 0 ? Promise.resolve() : new Promise((done) => consumer.idle.push(done));
}
