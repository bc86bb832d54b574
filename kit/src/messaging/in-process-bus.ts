import {
  aloneFromDelivery,
  deadAtDelivery,
  frameMessagesMax,
  QueueFull,
  type Bus,
  type Consumer,
  type ConsumeOptions,
  type DeadLetter,
  type Delivery,
  type Handler,
  type Queue,
  type Verdict,
} from './bus.ts';

type Frame = { messages: readonly unknown[]; deliveries: number };

type Consuming = {
  handler: Handler<unknown>;
  options: Required<ConsumeOptions>;
  inFlight: number;
  stopped: boolean;
  scheduled: boolean;
  idle: (() => void)[];
};

type QueueState = { name: string; frames: Frame[]; waiting: number; waitingMax: number; consumer?: Consuming };

const defaults: Required<ConsumeOptions> = {
  batchMax: 512,
  inFlightMax: 1,
  ackWaitMs: 30_000,
  waitingMax: 100_000,
};
const deadLettersMax = 1_000;

/** 100 ms, 200, 400 … at most 5 s, each between half and the whole of it so that retries do not march in step. */
const retryDelayMs = (deliveries: number, random: () => number): number =>
  Math.min(5_000, 100 * 2 ** (deliveries - 1)) * (0.5 + random() / 2);

/**
 * The bus of the embedded default: queues in the memory of one process. Messages are passed as they are, not copied, so
 * senders and handlers treat them as frozen. It forgets everything when the process dies, which the protocol allows.
 */
export class InProcessBus implements Bus {
  readonly #queues = new Map<string, QueueState>();
  readonly #deadLetters: DeadLetter[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #random: () => number;
  #closed = false;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  publish<T>(to: Queue<T>, messages: readonly T[]): Promise<void> {
    const state = this.#queue(to.name);
    if (this.#closed) return Promise.reject(new Error('The bus is closed.'));
    if (state.waiting + messages.length > state.waitingMax) return Promise.reject(new QueueFull(to.name));
    for (let from = 0; from < messages.length; from += frameMessagesMax) {
      const part = messages.length <= frameMessagesMax ? messages : messages.slice(from, from + frameMessagesMax);
      this.#enqueue(state, { messages: part, deliveries: 0 });
    }
    return Promise.resolve();
  }

  consume<T>(from: Queue<T>, handler: Handler<T>, options: ConsumeOptions = {}): Consumer {
    const state = this.#queue(from.name);
    if (state.consumer && !state.consumer.stopped) throw new Error(`The queue ${from.name} has a consumer.`);
    const consumer: Consuming = {
      // A queue carries what its `Queue<T>` says; the map of queues cannot say so to the compiler.
      handler: handler as Handler<unknown>,
      options: { ...defaults, ...options },
      inFlight: 0,
      stopped: false,
      scheduled: false,
      idle: [],
    };
    state.consumer = consumer;
    state.waitingMax = consumer.options.waitingMax;
    this.#schedule(state);
    return {
      stop: () => {
        consumer.stopped = true;
        return consumer.inFlight === 0 ? Promise.resolve() : new Promise((done) => consumer.idle.push(done));
      },
    };
  }

  deadLetters(): readonly DeadLetter[] {
    return this.#deadLetters;
  }

  async replayDeadLetters(queueName: string): Promise<number> {
    const mine = this.#deadLetters.filter((letter) => letter.queue === queueName);
    if (mine.length === 0) return 0;
    await this.publish(
      { name: queueName },
      mine.map((letter) => letter.message),
    );
    for (const letter of mine) this.#deadLetters.splice(this.#deadLetters.indexOf(letter), 1);
    return mine.length;
  }

  close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    return Promise.all(
      [...this.#queues.values()].map(({ consumer }) => {
        if (!consumer) return undefined;
        consumer.stopped = true;
        return consumer.inFlight === 0 ? undefined : new Promise<void>((done) => consumer.idle.push(done));
      }),
    ).then(() => undefined);
  }

  /** Messages waiting per queue, for metrics. */
  depths(): ReadonlyMap<string, number> {
    return new Map([...this.#queues].map(([name, state]) => [name, state.waiting]));
  }

  #queue(name: string): QueueState {
    let state = this.#queues.get(name);
    if (!state) {
      state = { name, frames: [], waiting: 0, waitingMax: defaults.waitingMax };
      this.#queues.set(name, state);
    }
    return state;
  }

  #enqueue(state: QueueState, frame: Frame): void {
    state.frames.push(frame);
    state.waiting += frame.messages.length;
    this.#schedule(state);
  }

  /** Batches form at the end of the event-loop turn, so that everything this turn brought travels together. */
  #schedule(state: QueueState): void {
    const consumer = state.consumer;
    if (!consumer || consumer.scheduled || consumer.stopped || state.frames.length === 0) return;
    if (consumer.inFlight >= consumer.options.inFlightMax) return;
    consumer.scheduled = true;
    setImmediate(() => {
      consumer.scheduled = false;
      while (!consumer.stopped && state.frames.length > 0 && consumer.inFlight < consumer.options.inFlightMax)
        void this.#deliver(state, consumer, this.#take(state, consumer.options.batchMax));
    });
  }

  /** Frames up to `batchMax` messages; a frame that keeps failing travels alone. */
  #take(state: QueueState, batchMax: number): Frame[] {
    const taken: Frame[] = [];
    let messages = 0;
    while (taken.length < state.frames.length) {
      const next = state.frames[taken.length];
      if (!next) break;
      const alone = next.deliveries + 1 >= aloneFromDelivery;
      if (taken.length > 0 && (alone || messages + next.messages.length > batchMax)) break;
      messages += next.messages.length;
      taken.push({ messages: next.messages, deliveries: next.deliveries + 1 });
      if (alone) break;
    }
    state.frames.splice(0, taken.length);
    state.waiting -= messages;
    return taken;
  }

  async #deliver(state: QueueState, consumer: Consuming, frames: Frame[]): Promise<void> {
    consumer.inFlight++;
    let settled = false;
    const settle = () => {
      if (settled) return false;
      settled = true;
      clearTimeout(timer);
      this.#timers.delete(timer);
      consumer.inFlight--;
      if (consumer.inFlight === 0) for (const done of consumer.idle.splice(0)) done();
      this.#schedule(state);
      return true;
    };
    const timer = setTimeout(() => {
      if (settle()) for (const frame of frames) this.#enqueue(state, frame);
    }, consumer.options.ackWaitMs);
    this.#timers.add(timer);

    const first = frames[0];
    const alone = first !== undefined && first.deliveries >= aloneFromDelivery;
    const batches = alone
      ? first.messages.map((message) => ({ messages: [message], deliveries: first.deliveries }))
      : undefined;
    if (batches) {
      for (const one of batches) await this.#handle(state, consumer, [one]);
    } else {
      await this.#handle(state, consumer, frames);
    }
    settle();
  }

  async #handle(state: QueueState, consumer: Consuming, frames: Frame[]): Promise<void> {
    const last = frames.length === 1 && (frames[0]?.deliveries ?? 0) >= deadAtDelivery;
    const batch: Delivery<unknown>[] = [];
    for (const { messages, deliveries } of frames) for (const message of messages) batch.push({ message, deliveries });
    let verdicts: readonly Verdict[] | void;
    try {
      verdicts = await consumer.handler(batch);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      for (const frame of frames)
        if (last) for (const message of frame.messages) this.#setAside(state.name, message, reason);
        else this.#later(state, frame, retryDelayMs(frame.deliveries, this.#random));
      return;
    }
    for (const [at, verdict] of verdicts?.entries() ?? []) {
      const delivery = batch[at];
      if (verdict === 'done' || !delivery) continue;
      if ('dead' in verdict) this.#setAside(state.name, delivery.message, verdict.dead);
      else this.#later(state, { messages: [delivery.message], deliveries: delivery.deliveries }, verdict.retryAfterMs);
    }
  }

  #later(state: QueueState, frame: Frame, delayMs: number): void {
    if (this.#closed) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#enqueue(state, frame);
    }, delayMs);
    this.#timers.add(timer);
  }

  #setAside(queueName: string, message: unknown, reason: string): void {
    if (this.#deadLetters.length >= deadLettersMax) this.#deadLetters.shift();
    this.#deadLetters.push({ queue: queueName, message, reason, at: Date.now() });
  }
}
