import type {
  Bus,
  Consumer,
  ConsumeOptions,
  DeadLetter,
  Delivery,
  Handler,
  Queue,
} from '../messaging/index.ts';

/** How often each fault strikes, 0–1: drawn once for a frame as a whole and once for every message in it. */
export type FaultRates = {
  readonly lose: number;
  readonly duplicate: number;
  readonly delay: number;
  /** A frame is shuffled and held back until the next one of its queue has overtaken it. */
  readonly reorder: number;
  /** A batch is delivered once more while its handler is still at work on it, as after too short an acknowledgement wait. */
  readonly redeliver: number;
};

export type FaultOptions = Partial<FaultRates> & { readonly seed: number; readonly delayMaxMs?: number };

/** How many messages each fault struck. */
export type FaultCounts = {
  lost: number;
  duplicated: number;
  delayed: number;
  reordered: number;
  redelivered: number;
};

type Held = {
  readonly to: Queue<unknown>;
  readonly messages: readonly unknown[];
  readonly isOvertaken: boolean;
};

const noFaults: FaultRates = { lose: 0, duplicate: 0, delay: 0, reorder: 0, redeliver: 0 };

/** A small seeded generator (mulberry32): 0–1, the same row of numbers for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * A bus as bad as the protocol allows one to be, around a good one. Which frame meets which fault is given by the seed and
 * by the order of publishing; what is redelivered is drawn apart, so that the pace of handlers does not change it.
 */
export class FaultBus implements Bus {
  readonly counts: FaultCounts = { lost: 0, duplicated: 0, delayed: 0, reordered: 0, redelivered: 0 };
  readonly #inner: Bus;
  readonly #delayMaxMs: number;
  readonly #random: () => number;
  readonly #randomOfDelivery: () => number;
  readonly #held = new Map<Held, NodeJS.Timeout>();
  #rates: FaultRates;

  constructor(inner: Bus, { seed, delayMaxMs = 50, ...rates }: FaultOptions) {
    this.#inner = inner;
    this.#delayMaxMs = delayMaxMs;
    this.#rates = { ...noFaults, ...rates };
    this.#random = randomFrom(seed);
    this.#randomOfDelivery = randomFrom(~seed);
  }

  async publish<T>(to: Queue<T>, messages: readonly T[]): Promise<void> {
    const overtaken = [...this.#held.keys()].filter((held) => held.isOvertaken && held.to.name === to.name);
    if (this.#strikes('lose')) this.counts.lost += messages.length;
    else if (this.#strikes('delay')) {
      this.counts.delayed += messages.length;
      this.#hold(to, messages);
    } else await this.#send(to, this.#eachWithItsFate(to, messages));
    for (const held of overtaken) await this.#release(held);
  }

  consume<T>(from: Queue<T>, handler: Handler<T>, options?: ConsumeOptions): Consumer {
    const handle = async (batch: readonly Delivery<T>[]) => handler(batch);
    return this.#inner.consume(
      from,
      async (batch) => {
        const first = handle(batch);
        if (this.#randomOfDelivery() >= this.#rates.redeliver) return first;
        this.counts.redelivered += batch.length;
        const again = handle(
          batch.map(({ message, deliveries }) => ({ message, deliveries: deliveries + 1 })),
        );
        // One of the two settles the batch; which of them a real broker would believe is not known either.
        await Promise.allSettled([first, again]);
        return first;
      },
      options,
    );
  }

  deadLetters(): Promise<readonly DeadLetter[]> {
    return this.#inner.deadLetters();
  }

  replayDeadLetters(queueName: string): Promise<number> {
    return this.#inner.replayDeadLetters(queueName);
  }

  /** From now on a good bus. What was held back is handed over; what was lost stays lost. */
  async heal(): Promise<void> {
    this.#rates = noFaults;
    await Promise.all([...this.#held.keys()].map((held) => this.#release(held)));
  }

  async close(): Promise<void> {
    for (const timer of this.#held.values()) clearTimeout(timer);
    this.#held.clear();
    await this.#inner.close();
  }

  #strikes(fault: keyof FaultRates): boolean {
    return this.#random() < this.#rates[fault];
  }

  /** What of a frame arrives now, in which order. */
  #eachWithItsFate<T>(to: Queue<T>, messages: readonly T[]): T[] {
    const now: T[] = [];
    for (const message of messages) {
      if (this.#strikes('lose')) this.counts.lost++;
      else if (this.#strikes('delay')) {
        this.counts.delayed++;
        this.#hold(to, [message]);
      } else {
        now.push(message);
        if (!this.#strikes('duplicate')) continue;
        this.counts.duplicated++;
        now.push(message);
      }
    }
    return now;
  }

  async #send<T>(to: Queue<T>, messages: T[]): Promise<void> {
    if (messages.length === 0) return;
    if (this.#strikes('reorder')) {
      this.counts.reordered += messages.length;
      this.#hold(to, shuffled(messages, this.#random), true);
      return;
    }
    const isTwice = this.#strikes('duplicate');
    await this.#inner.publish(to, messages);
    if (!isTwice) return;
    this.counts.duplicated += messages.length;
    this.#hold(to, messages);
  }

  #hold<T>(to: Queue<T>, messages: readonly T[], isOvertaken = false): void {
    const held: Held = { to: { name: to.name }, messages, isOvertaken };
    // Also what waits to be overtaken comes one day: there may be no next frame.
    const timer = setTimeout(() => void this.#release(held), Math.ceil(this.#random() * this.#delayMaxMs));
    this.#held.set(held, timer);
  }

  async #release(held: Held): Promise<void> {
    if (!this.#held.has(held)) return;
    clearTimeout(this.#held.get(held));
    this.#held.delete(held);
    try {
      await this.#inner.publish(held.to, held.messages);
    } catch {
      // Its sender was told long ago that it had been taken: a full queue has lost it now.
      this.counts.lost += held.messages.length;
    }
  }
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
