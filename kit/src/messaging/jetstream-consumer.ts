import type { Msg } from '@nats-io/transport-node';
import { crashPoint } from '../service/index.ts';
import { retryDelayMs, takeBatch, verdictsOf, type Parcel, type RetryOptions } from './batch.ts';
import {
  aloneFromDelivery,
  deadAtDelivery,
  type Consumer,
  type ConsumeOptions,
  type Handler,
  type Verdict,
} from './bus.ts';
import { Fifo } from './fifo.ts';
import type { DeadLetters } from './jetstream-dead-letters.ts';
import {
  factsOf,
  HeldFrame,
  type DeliveryFacts,
  type FrameMemory,
  type Piece,
} from './jetstream-delivery.ts';
import { packFrames, unpackFrame } from './jetstream-frames.ts';
import type { Publisher } from './jetstream-publisher.ts';
import { Pull } from './jetstream-pull.ts';
import type { NatsLink, NatsOptions } from './nats-link.ts';

/** Messages of a queue, since this process began to send to it or to serve it. */
export type QueueCounts = {
  published: number;
  delivered: number;
  redelivered: number;
  failed: number;
  setAside: number;
};

export type QueueConsumerOptions = {
  readonly queueName: string;
  readonly handler: Handler<unknown>;
  readonly consume: Required<ConsumeOptions>;
  readonly retry: RetryOptions;
  readonly brokerAckWaitMs: number;
  readonly link: NatsLink;
  readonly publisher: Publisher;
  readonly deadLetters: DeadLetters;
  readonly memory: FrameMemory;
  readonly counts: QueueCounts;
  readonly log: NatsOptions['log'];
  /** Makes what is missing of stream and consumer, and tells one life of the stream from the next. */
  readonly prepare: () => Promise<string>;
};

/** Frames this process holds of one queue; a frame has at most 256 KiB. */
const framesHeldMax = 256;
const framesAskedMax = 64;
/** What is due so soon waits here; for longer, the server keeps it. */
const shortWaitMs = 30;
const laterMsMax = 600_000;
const acknowledged = '+ACK';
const inProgress = '+WPI';

/** What came of a batch: verdicts, or the reason why there are none. */
type Outcome =
  | { readonly verdicts: readonly Verdict[] | void }
  | { readonly fault: string; hasWaited: boolean };

/**
 * Takes frames apart into natural batches. A frame is acknowledged when nothing of it is left to do; what has to come again
 * is first put into a frame of its own, which carries the counts, so that it neither holds back the rest nor is forgotten
 * when this process dies.
 */
export class QueueConsumer implements Consumer {
  readonly #options: QueueConsumerOptions;
  readonly #pull: Pull;
  readonly #waiting = new Fifo<Piece>();
  readonly #held = new Map<number, HeldFrame>();
  readonly #soon = new Map<NodeJS.Timeout, HeldFrame>();
  readonly #sayWorking: NodeJS.Timeout;
  readonly #idle: (() => void)[] = [];
  /** Until the first frame says that the process before did not die of it. */
  #isCautious = true;
  #era = '';
  /** Of late. */
  #messagesPerFrame = 1;
  #inFlight = 0;
  #isScheduled = false;
  #isOpen = false;
  #stopping: Promise<void> | undefined;

  constructor(options: QueueConsumerOptions) {
    this.#options = options;
    const { link, queueName, log, brokerAckWaitMs } = options;
    this.#pull = new Pull({
      link,
      queueName,
      log,
      prepare: async () => this.#begin(await options.prepare()),
      room: () => this.#room(),
      onFrame: (msg) => this.#take(msg),
    });
    void this.#pull.opened.then(() => (this.#isOpen = true));
    // The server must not give to another what is still worked on here, or waits here for its turn.
    this.#sayWorking = setInterval(() => {
      for (const { era, reply } of this.#held.values()) if (era === this.#era) link.tell(reply, inProgress);
    }, brokerAckWaitMs / 3).unref();
  }

  get stopped(): boolean {
    return this.#stopping !== undefined;
  }

  /** The queue is there: what is published from now on meets its limits. */
  get opened(): Promise<void> | undefined {
    return this.#isOpen ? undefined : this.#pull.opened;
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    // In this order on the wire: nothing more for us, then what we have is anybody's.
    const closing = this.#pull.close();
    const givingBack = this.#giveBack();
    if (this.#inFlight > 0) await new Promise<void>((idle) => this.#idle.push(idle));
    await Promise.all([closing, givingBack]);
    clearInterval(this.#sayWorking);
    await this.#options.link.flush();
  }

  #begin(era: string): void {
    if (this.#era !== '' && this.#era !== era)
      this.#options.log?.warn(
        { queue: this.#options.queueName },
        'the stream was made anew: what waited in it is lost',
      );
    this.#era = era;
  }

  /** Enough for the batches in flight and as many more. */
  #room(): number {
    // What is held when this process dies counts as having failed: nothing is held beside what it may die of.
    if (this.#isCautious) return this.#held.size === 0 ? 1 : 0;
    const { batchMax, inFlightMax } = this.#options.consume;
    const wanted = (2 * batchMax * inFlightMax - this.#waiting.length) / this.#messagesPerFrame;
    return Math.min(framesAskedMax, framesHeldMax - this.#held.size, Math.ceil(wanted));
  }

  #take(msg: Msg): void {
    const facts = factsOf(msg.reply);
    const reply = msg.reply ?? '';
    if (!facts) return;
    if (this.stopped) return this.#nak(reply, 0);
    const known = this.#held.get(facts.sequence);
    if (known?.era === this.#era) {
      // It was given to us twice, because we were out of reach for a while.
      known.reply = reply;
      return;
    }
    const text = msg.string();
    const frame = unpackFrame(text);
    if (!frame) return void this.#setGarbageAside(text, facts, reply);
    // The server keeps the time: what it brings again has waited.
    const waitMs = facts.count === 1 ? frame.afterMs : 0;
    if (waitMs > shortWaitMs) return this.#nak(reply, Math.min(waitMs, laterMsMax));
    const remembered = this.#options.memory.take(facts.sequence, this.#era);
    // A frame that is put off was given back once, before its time.
    const lost = remembered ? 0 : Math.max(0, facts.count - 1 - (frame.afterMs > shortWaitMs ? 1 : 0));
    const parcels = frame.parcels.map((parcel, at) =>
      remembered ? remembered.get(at) : redelivered(parcel, lost),
    );
    const held = new HeldFrame(this.#era, facts.sequence, reply, parcels);
    this.#isCautious = lost > 0 && held.pieces.some(({ failures }) => failures + 1 >= aloneFromDelivery);
    if (this.#isCautious && held.left > 1) return void this.#takeApart(held);
    this.#hold(held, waitMs);
  }

  /** Something of it may be what processes die of: each message goes on alone, with its own count of deliveries. */
  async #takeApart(held: HeldFrame): Promise<void> {
    const { queueName, publisher } = this.#options;
    this.#held.set(held.sequence, held);
    const again = held.pieces.map(({ message, deliveries, failures }) => ({ message, deliveries, failures }));
    const frames = again.flatMap((parcel) => packFrames(queueName, [parcel]));
    const sent = await publisher.sendAll(queueName, frames).then(
      () => true,
      () => false,
    );
    for (const [index, piece] of held.pieces.entries()) this.#settle(piece, sent ? undefined : again[index]);
  }

  #hold(held: HeldFrame, waitMs: number): void {
    this.#held.set(held.sequence, held);
    this.#messagesPerFrame += (Math.max(1, held.left) - this.#messagesPerFrame) / 8;
    if (held.left === 0) return this.#finish(held);
    if (waitMs <= 0) return this.#enqueue(held);
    const timer = setTimeout(() => {
      this.#soon.delete(timer);
      this.#enqueue(held);
    }, waitMs);
    this.#soon.set(timer, held);
  }

  #enqueue(held: HeldFrame): void {
    for (const piece of held.pieces)
      if (piece.failures + 1 < deadAtDelivery) this.#waiting.push(piece);
      else void this.#setAside(piece, `It was delivered ${piece.deliveries - 1} times and never settled.`, 0);
    this.#schedule();
  }

  /** Batches form at the end of the event-loop turn, so that everything this turn brought travels together. */
  #schedule(): void {
    const { inFlightMax, batchMax } = this.#options.consume;
    if (this.#isScheduled || this.stopped || this.#waiting.length === 0 || this.#inFlight >= inFlightMax)
      return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      while (!this.stopped && this.#waiting.length > 0 && this.#inFlight < inFlightMax)
        void this.#deliver(takeBatch(this.#waiting, batchMax));
      this.#pull.ask();
    });
  }

  async #deliver(batch: readonly Piece[]): Promise<void> {
    const { counts, link, consume } = this.#options;
    this.#inFlight++;
    counts.delivered += batch.length;
    for (const { deliveries, held } of batch) {
      held.hasBegun = true;
      if (deliveries > 1) counts.redelivered++;
    }
    crashPoint('queue.after-read');
    await this.#settleAll(batch, await this.#judge(batch));
    // What the server was sent while this batch was in flight belongs to the next: a round trip, unless that is full anyway.
    if (!this.stopped && this.#waiting.length < consume.batchMax) await link.flush();
    crashPoint('queue.after-acknowledge');
    this.#inFlight--;
    if (this.#inFlight === 0) for (const done of this.#idle.splice(0)) done();
    this.#schedule();
    this.#pull.ask();
  }

  /** Whoever comes first decides: a handler that comes after its `ackWaitMs` speaks of messages that go round again. */
  #judge(batch: readonly Piece[]): Promise<Outcome> {
    const { handler, consume } = this.#options;
    return new Promise((decide) => {
      const fault = `It was not settled within ${consume.ackWaitMs} ms.`;
      const timer = setTimeout(() => decide({ fault, hasWaited: true }), consume.ackWaitMs);
      verdictsOf(handler, batch)
        .then(
          (verdicts) => decide({ verdicts }),
          (error: unknown) =>
            decide({ fault: error instanceof Error ? error.message : String(error), hasWaited: false }),
        )
        .finally(() => clearTimeout(timer));
    });
  }

  async #settleAll(batch: readonly Piece[], outcome: Outcome): Promise<void> {
    if ('fault' in outcome) return this.#fail(batch, outcome.fault, outcome.hasWaited);
    const work: Promise<void>[] = [];
    const later = new Map<number, Piece[]>();
    for (const [at, piece] of batch.entries()) {
      const verdict = outcome.verdicts?.[at] ?? 'done';
      if (verdict === 'done') this.#settle(piece);
      else if ('dead' in verdict) work.push(this.#setAside(piece, verdict.dead, 0));
      else later.set(verdict.retryAfterMs, [...(later.get(verdict.retryAfterMs) ?? []), piece]);
    }
    for (const [delayMs, pieces] of later) work.push(this.#putOff(pieces, delayMs, 0));
    await Promise.all(work);
  }

  async #fail(batch: readonly Piece[], reason: string, hasWaited: boolean): Promise<void> {
    const { counts, retry } = this.#options;
    counts.failed += batch.length;
    const isDead = ({ failures }: Parcel) => failures + 2 >= deadAtDelivery;
    const again = batch.filter((piece) => !isDead(piece));
    const failures = Math.max(0, ...again.map((piece) => piece.failures)) + 1;
    await Promise.all([
      ...batch.filter(isDead).map((piece) => this.#setAside(piece, reason, 1)),
      this.#putOff(again, hasWaited ? 0 : retryDelayMs(failures, retry), 1),
    ]);
  }

  /** In a frame of their own they come again; only when that is safe, the old frame is told of. */
  async #putOff(pieces: readonly Piece[], delayMs: number, failed: 0 | 1): Promise<void> {
    if (pieces.length === 0) return;
    const { queueName, publisher, log } = this.#options;
    const again = pieces.map(({ message, deliveries, failures }) => ({
      message,
      deliveries: deliveries + 1,
      failures: failures + failed,
    }));
    try {
      await publisher.sendAll(queueName, packFrames(queueName, again, Math.min(delayMs, laterMsMax)));
      for (const piece of pieces) this.#settle(piece);
    } catch (error) {
      log?.warn(
        { error, queue: queueName },
        'what has to come again could not be put back, its frame will be',
      );
      for (const [at, piece] of pieces.entries()) {
        piece.held.againAfterMs = Math.max(piece.held.againAfterMs, Math.min(delayMs, laterMsMax));
        this.#settle(piece, again[at]);
      }
    }
  }

  async #setAside(piece: Piece, reason: string, failed: 0 | 1): Promise<void> {
    const { queueName, deadLetters, counts, log } = this.#options;
    const { message, deliveries, failures } = piece;
    try {
      await deadLetters.add({ queue: queueName, message, reason, at: Date.now() });
      counts.setAside++;
      log?.error({ queue: queueName, reason }, 'a message was set aside');
      this.#settle(piece);
    } catch (error) {
      log?.warn({ error, queue: queueName }, 'a message could not be set aside yet');
      this.#settle(piece, { message, deliveries: deliveries + 1, failures: failures + failed });
    }
  }

  async #setGarbageAside(text: string, { sequence }: DeliveryFacts, reply: string): Promise<void> {
    const parcel = { message: text, deliveries: 1, failures: 0 };
    const held = new HeldFrame(this.#era, sequence, reply, [parcel]);
    this.#held.set(sequence, held);
    await Promise.all(held.pieces.map((piece) => this.#setAside(piece, 'It is not a frame of messages.', 0)));
  }

  /** Nothing more is to be done for it here; `again` says that it could not be put anywhere else. */
  #settle({ held, at }: Piece, again?: Parcel): void {
    if (again) held.again.set(at, again);
    held.left--;
    if (held.left === 0) this.#finish(held);
  }

  #finish(held: HeldFrame): void {
    const { link, memory, retry } = this.#options;
    if (this.#held.get(held.sequence) === held) this.#held.delete(held.sequence);
    this.#pull.ask();
    // In a later life of the stream that number is another frame's.
    if (held.era !== this.#era) return;
    if (held.again.size === 0) {
      crashPoint('queue.before-acknowledge');
      return link.tell(held.reply, acknowledged);
    }
    memory.keep(held.sequence, { era: held.era, parcels: held.again });
    this.#nak(held.reply, Math.max(held.againAfterMs, retryDelayMs(2, retry)));
  }

  #nak(reply: string, delayMs: number): void {
    const delay = delayMs > 0 ? ` ${JSON.stringify({ delay: Math.ceil(delayMs * 1e6) })}` : '';
    this.#options.link.tell(reply, `-NAK${delay}`);
  }

  /** What was not begun is for the next consumer, at once. */
  async #giveBack(): Promise<void> {
    for (const timer of this.#soon.keys()) clearTimeout(timer);
    const soon = [...this.#soon.values()].flatMap(({ pieces }) => pieces);
    this.#soon.clear();
    const rest = new Map<HeldFrame, Piece[]>();
    for (const piece of [...this.#waiting, ...soon])
      rest.set(piece.held, [...(rest.get(piece.held) ?? []), piece]);
    while (this.#waiting.shift());
    await Promise.all([...rest].map(([held, pieces]) => this.#giveBackFrame(held, pieces)));
  }

  async #giveBackFrame(held: HeldFrame, pieces: readonly Piece[]): Promise<void> {
    const { queueName, publisher, memory } = this.#options;
    const parcels = pieces.map(({ message, deliveries, failures }) => ({ message, deliveries, failures }));
    if (!held.hasBegun && held.era === this.#era) {
      this.#held.delete(held.sequence);
      // Should it come back to this process, that was no failure.
      memory.keep(held.sequence, {
        era: held.era,
        parcels: new Map(pieces.map(({ at }, index) => [at, parcels[index]] as const).filter(isThere)),
      });
      return this.#nak(held.reply, 0);
    }
    // A part of it is being done: only the rest is to come again.
    const sent = await publisher.sendAll(queueName, packFrames(queueName, parcels)).then(
      () => true,
      () => false,
    );
    for (const [index, piece] of pieces.entries()) this.#settle(piece, sent ? undefined : parcels[index]);
  }
}

const isThere = (entry: readonly [number, Parcel | undefined]): entry is readonly [number, Parcel] =>
  entry[1] !== undefined;

/** The server counts by frames: a delivery nobody said anything of failed for each of its messages. */
const redelivered = (parcel: Parcel, lost: number): Parcel =>
  lost === 0
    ? parcel
    : { message: parcel.message, deliveries: parcel.deliveries + lost, failures: parcel.failures + lost };
