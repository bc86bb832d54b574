import {
  QueueFull,
  type Bus,
  type Consumer,
  type ConsumeOptions,
  type Delivery,
  type Handler,
  type Queue,
  type Verdict,
} from '@tutti/kit/messaging';
import type { BusRates } from './climate.ts';
import { described } from './described.ts';
import type { Surroundings } from './virtual-database.ts';
import { Actor } from './virtual-time.ts';

type Parcel = { readonly text: string; readonly deliveries: number; readonly failures: number };

type Consuming = {
  readonly actor: Actor;
  readonly handler: Handler<unknown>;
  readonly batchMax: number;
  readonly inFlightMax: number;
  readonly ackWaitMs: number;
  inFlight: number;
  stopped: boolean;
  idle: (() => void)[];
};

type QueueState = {
  readonly name: string;
  waiting: Parcel[];
  consumers: Consuming[];
  isWoken: boolean;
  /** Nobody gets anything from it until then. */
  stalledUntil: number;
  /** Whatever is sent to it until then takes long, each its own time. */
  slowUntil: number;
};

// As kit/src/messaging/bus.ts has them.
const aloneFromDelivery = 3;
const deadAtDelivery = 6;
const noAnswerMs = 2_000;
const slowLeastMs = 25_000;
const slowMostMs = 90_000;

/**
 * A broker between processes that keeps the contract of the kit's `Bus` and no more: it loses, doubles, delays, reorders and
 * forgets; it hands a batch to one of several consumers, and again to another when it does not hear what became of it.
 */
export class Broker {
  rates: BusRates;
  #onItsWay = 0;
  readonly #around: Surroundings;
  readonly #delayMaxMs: number;
  readonly #watch: (message: unknown) => void;
  readonly #actor = new Actor('broker');
  readonly #queues = new Map<string, QueueState>();
  /** Whom it does not reach, by direction, until when. */
  readonly #cutOff = new Map<Actor, { fromIt: number; toIt: number }>();

  constructor(
    around: Surroundings,
    { rates, delayMaxMs, watch }: { rates: BusRates; delayMaxMs: number; watch: (message: unknown) => void },
  ) {
    this.#watch = watch;
    this.#around = around;
    this.rates = rates;
    this.#delayMaxMs = delayMaxMs;
  }

  /** The bus as a process reaches it. */
  of(actor: Actor): Bus {
    return {
      publish: (to, messages) => this.#publish(actor, to, messages),
      consume: (from, handler, options) => this.#consume(actor, from, handler, options),
      deadLetters: () => Promise.resolve([]),
      replayDeadLetters: () => Promise.resolve(0),
      close: () => Promise.resolve(),
    };
  }

  cutOff(actor: Actor, direction: 'both' | 'fromIt' | 'toIt', forMs: number): void {
    const until = this.#around.time.now + forMs;
    this.#cutOff.set(actor, {
      fromIt: direction === 'toIt' ? 0 : until,
      toIt: direction === 'fromIt' ? 0 : until,
    });
    this.#around.time.later(forMs, this.#actor, () => this.#wakeAll());
  }

  /** As behind a long backlog. */
  stall(queueName: string, forMs: number): void {
    const state = this.#queue(queueName);
    state.stalledUntil = this.#around.time.now + forMs;
    this.#around.time.later(forMs, this.#actor, () => this.#wake(state));
  }

  slow(queueName: string, forMs: number): void {
    this.#queue(queueName).slowUntil = this.#around.time.now + forMs;
  }

  /** Its disk is gone. Whoever is at work on something still is. */
  forget(): void {
    for (const state of this.#queues.values()) {
      this.#around.chronicle.count('fault: the broker forgot a message', state.waiting.length);
      state.waiting = [];
    }
  }

  /** From now on a good bus. */
  heal(rates: BusRates): void {
    this.rates = rates;
    this.#cutOff.clear();
    for (const state of this.#queues.values()) state.stalledUntil = state.slowUntil = 0;
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const state of this.#queues.values()) this.#wake(state);
  }

  /** Nothing is on its way to anybody. */
  get isQuiet(): boolean {
    return this.#onItsWay === 0;
  }

  // ── in ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #publish<T>(actor: Actor, to: Queue<T>, messages: readonly T[]): Promise<void> {
    const { time, chance, chronicle, mayDie } = this.#around;
    mayDie(actor);
    return new Promise((done, failed) => {
      if (actor.isDead) return;
      if (chance.happens(this.rates.full)) {
        chronicle.count('fault: a queue was full');
        return time.later(1, actor, () => failed(new QueueFull(to.name)));
      }
      if (this.#isCutOff(actor, 'fromIt')) {
        chronicle.count('fault: a sender was cut off');
        return time.later(noAnswerMs, actor, () => failed(new Error('The broker does not answer.')));
      }
      const state = this.#queue(to.name);
      for (const message of messages) this.#accept(actor, state, JSON.stringify(message));
      if (chance.happens(this.rates.loseAck) || this.#isCutOff(actor, 'toIt')) {
        chronicle.count('fault: a frame was taken and its sender not told');
        return time.later(noAnswerMs, actor, () => failed(new Error('The broker does not answer.')));
      }
      time.later(chance.whole(0, 2), actor, done);
    });
  }

  /** Each message has a fate of its own. */
  #accept(actor: Actor, state: QueueState, text: string): void {
    const { chance, chronicle } = this.#around;
    const said = `${actor.name} → ${state.name}: ${described(text)}`;
    if (chance.happens(this.rates.lose)) {
      chronicle.count('fault: a message was lost');
      return chronicle.tell(`${said}, lost`);
    }
    const isSlow = this.#around.time.now < state.slowUntil;
    const isDelayed = isSlow || chance.happens(this.rates.delay);
    chronicle.count('fault: a message was delayed', isDelayed ? 1 : 0);
    const delayMs = isSlow
      ? chance.whole(slowLeastMs, slowMostMs)
      : chance.whole(0, isDelayed ? this.#delayMaxMs : 5);
    chronicle.tell(isDelayed ? `${said}, in ${delayMs} ms` : said);
    const parcel = { text, deliveries: 1, failures: 0 };
    this.#later(state, [parcel], delayMs);
    if (!chance.happens(this.rates.duplicate)) return;
    chronicle.count('fault: a message was doubled');
    this.#later(state, [parcel], chance.whole(0, this.#delayMaxMs));
  }

  #later(state: QueueState, parcels: readonly Parcel[], delayMs: number): void {
    if (parcels.length === 0) return;
    this.#onItsWay++;
    this.#around.time.later(delayMs, this.#actor, () => {
      this.#onItsWay--;
      state.waiting.push(...parcels);
      this.#wake(state);
    });
  }

  // ── out ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  #consume<T>(actor: Actor, from: Queue<T>, handler: Handler<T>, options: ConsumeOptions = {}): Consumer {
    const { batchMax = 512, inFlightMax = 1, ackWaitMs = 30_000 } = options;
    // A queue carries what its `Queue<T>` says; the map of queues cannot say so to the compiler.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const untyped = handler as Handler<unknown>;
    const limits = { batchMax, inFlightMax, ackWaitMs };
    const consuming: Consuming = {
      actor,
      handler: untyped,
      ...limits,
      inFlight: 0,
      stopped: false,
      idle: [],
    };
    const state = this.#queue(from.name);
    state.consumers.push(consuming);
    this.#wake(state);
    const stop = (): Promise<void> => {
      consuming.stopped = true;
      if (consuming.inFlight === 0) return Promise.resolve();
      return new Promise((done) => consuming.idle.push(done));
    };
    return { stop };
  }

  /** Batches form at the end of this moment: what arrives together travels together. */
  #wake(state: QueueState): void {
    if (state.isWoken || state.waiting.length === 0) return;
    state.isWoken = true;
    this.#around.time.later(0, this.#actor, () => {
      state.isWoken = false;
      this.#hand(state);
    });
  }

  #hand(state: QueueState): void {
    state.consumers = state.consumers.filter(({ actor, stopped }) => !actor.isDead && !stopped);
    const { chance, chronicle, time } = this.#around;
    while (time.now >= state.stalledUntil && state.waiting.length > 0) {
      const free = state.consumers.filter(
        (one) => one.inFlight < one.inFlightMax && !this.#isCutOff(one.actor, 'toIt'),
      );
      if (free.length === 0) return;
      const consuming = chance.pick(free);
      const batch = taken(state, consuming.batchMax);
      if (batch.length > 1) chronicle.count('branch: a batch of several messages');
      this.#deliver(state, consuming, batch);
    }
  }

  #deliver(state: QueueState, consuming: Consuming, batch: readonly Parcel[]): void {
    const { time, chance, chronicle } = this.#around;
    const { actor, handler, ackWaitMs } = consuming;
    let isOpen = true;
    consuming.inFlight++;
    const settle = (decide: () => void) => {
      if (!isOpen) return;
      isOpen = false;
      consuming.inFlight--;
      decide();
      if (consuming.inFlight === 0) for (const done of consuming.idle.splice(0)) done();
      this.#wake(state);
    };
    // Whoever settles a batch first decides: its consumer, or the end of the wait.
    time.later(ackWaitMs, this.#actor, () =>
      settle(() => {
        chronicle.count('branch: a batch was delivered again, for nothing was heard of it');
        this.#fail(state, batch, 0);
      }),
    );
    time.later(chance.whole(0, 2), actor, () => {
      chronicle.tell(`${state.name} → ${actor.name}: ${batch.map(({ text }) => described(text)).join(', ')}`);
      const heard = (decide: () => void): void => {
        const isLost = chance.happens(this.rates.loseVerdict) || this.#isCutOff(actor, 'fromIt');
        chronicle.count('fault: a verdict was lost', isLost ? 1 : 0);
        if (!isLost) settle(decide);
      };
      // JSON, as the wire brings it: nobody shares an object with anybody.
      const deliveries = batch.map(({ text, deliveries }): Delivery<unknown> => {
        const message: unknown = JSON.parse(text);
        this.#watch(message);
        return { message, deliveries };
      });
      handler(deliveries).then(
        (verdicts) => heard(() => this.#obey(state, batch, verdicts)),
        () => heard(() => this.#fail(state, batch, chance.whole(50, 2_000))),
      );
    });
  }

  #obey(state: QueueState, batch: readonly Parcel[], verdicts: readonly Verdict[] | void): void {
    for (const [at, parcel] of batch.entries()) {
      const verdict = verdicts?.[at] ?? 'done';
      if (verdict === 'done') continue;
      if ('dead' in verdict) this.#setAside(parcel);
      else this.#later(state, [{ ...parcel, deliveries: parcel.deliveries + 1 }], verdict.retryAfterMs);
    }
  }

  #fail(state: QueueState, batch: readonly Parcel[], delayMs: number): void {
    const again: Parcel[] = [];
    for (const { text, deliveries, failures } of batch) {
      const failed = { text, deliveries: deliveries + 1, failures: failures + 1 };
      if (failed.failures + 1 >= deadAtDelivery) this.#setAside(failed);
      else again.push(failed);
    }
    this.#later(state, again, delayMs);
  }

  #setAside({ text }: Parcel): void {
    this.#around.chronicle.count('branch: a message became a dead letter');
    this.#around.chronicle.tell(`a dead letter: ${described(text)}`);
  }

  #isCutOff(actor: Actor, direction: 'fromIt' | 'toIt'): boolean {
    return (this.#cutOff.get(actor)?.[direction] ?? 0) > this.#around.time.now;
  }

  #queue(name: string): QueueState {
    let state = this.#queues.get(name);
    if (!state) {
      state = { name, waiting: [], consumers: [], isWoken: false, stalledUntil: 0, slowUntil: 0 };
      this.#queues.set(name, state);
    }
    return state;
  }
}

/** Up to `most`; one that keeps failing travels alone. */
function taken(state: QueueState, most: number): Parcel[] {
  const isAlone = ({ failures }: Parcel): boolean => failures + 1 >= aloneFromDelivery;
  const alone = state.waiting.findIndex(isAlone);
  const count = alone === 0 ? 1 : Math.min(most, alone < 0 ? most : alone);
  return state.waiting.splice(0, count);
}
