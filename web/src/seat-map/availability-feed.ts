import { apply, type Known, type Message } from './availability-change.ts';
import type { Availability } from './types.ts';

// Keeps what is known of the seats fresh: all of it as bytes first, then the stream's changes; by asking again and again where
// no stream gets through. What it needs from the browser it is given, so that a test can play the browser.

export type Stream = { close(): void };

export type StreamEvents = {
  opened(): void;
  told(message: Message): void;
  /** The server cannot tell the changes in between: it tells everything, or nothing. */
  reset(known: Known | undefined): void;
  broken(): void;
};

export type FeedParts = {
  /** All states. Rejects when there is no answer. */
  fetchAll(signal: AbortSignal): Promise<Known>;
  /** The changes that follow on what is known. */
  openStream(known: Known, events: StreamEvents): Stream;
  later(act: () => void, milliseconds: number): () => void;
  random(): number;
  publish(availability: Availability): void;
};

export const pollMs = 4_000;
const backOffMs = { first: 500, most: 30_000 };
/** Changes are told in bundles: the eye cannot tell ten a second from two hundred, React can. */
const bundleMs = 80;
/** Behind a proxy that holds answers back a stream neither opens nor breaks. */
const openMsMax = 5_000;
/** A stream that lasts so long counts as one that works. */
const steadyMs = 10_000;
/** An answer that takes longer is as good as none. */
const answerMsMax = 10_000;

export class AvailabilityFeed {
  private readonly parts: FeedParts;
  private known: Known | undefined;
  private freshness: Availability['freshness'] = 'polled';
  private stream: Stream | undefined;
  private asking: AbortController | undefined;
  private hasPublished = false;
  private failures = 0;
  private streamFailures = 0;
  private cancelNext: (() => void) | undefined;
  private cancelPublish: (() => void) | undefined;
  /** What the stream still has to do in time: to open, then to last. */
  private cancelStreamTimer: (() => void) | undefined;

  constructor(parts: FeedParts) {
    this.parts = parts;
  }

  /** Also after a pause: what happened meanwhile is asked for as a whole. */
  start(): void {
    if (this.asking || this.cancelNext || this.stream) return;
    this.ask();
  }

  /** Nothing is asked and nothing is told until the next start. */
  stop(): void {
    this.asking?.abort();
    this.asking = undefined;
    this.closeStream();
    this.cancelNext?.();
    this.cancelNext = undefined;
    this.cancelPublish?.();
    this.cancelPublish = undefined;
  }

  private ask(): void {
    const asking = new AbortController();
    this.asking = asking;
    const cancelDeadline = this.parts.later(() => asking.abort(), answerMsMax);
    void this.parts
      .fetchAll(asking.signal)
      .then(
        (answer) => this.asking === asking && this.answered(answer),
        () => this.asking === asking && this.unanswered(),
      )
      .finally(cancelDeadline);
  }

  private answered(answer: Known): void {
    this.asking = undefined;
    this.failures = 0;
    // A cache on the way may answer with less than the stream has told.
    const known = this.known && !isAhead(answer, this.known) ? this.known : answer;
    this.known = known;
    this.freshness = 'polled';
    this.publishSoon();
    // While streams fail, every poll is also the next try: with more and more polls between them.
    if (this.streamFailures === 0 || this.parts.random() < 1 / this.streamFailures) this.listen(known);
    else this.askAfter(jittered(pollMs, this.parts.random()));
  }

  private unanswered(): void {
    this.asking = undefined;
    this.failures += 1;
    this.freshness = 'stale';
    this.publishSoon();
    this.askAfter(this.backOff(this.failures));
  }

  private listen(known: Known): void {
    const isThis = (): boolean => this.stream === stream;
    const stream: Stream = this.parts.openStream(known, {
      opened: () => {
        if (!isThis()) return;
        this.cancelStreamTimer?.();
        this.cancelStreamTimer = this.parts.later(() => (this.streamFailures = 0), steadyMs);
        this.freshness = 'live';
        this.publishSoon();
      },
      told: (message) => isThis() && this.told(message),
      reset: (all) => isThis() && this.resetTo(all),
      broken: () => isThis() && this.brokeOff(),
    });
    this.stream = stream;
    this.cancelStreamTimer = this.parts.later(() => this.brokeOff(), openMsMax);
  }

  private told(message: Message): void {
    if (!this.known) return;
    const effect = apply(this.known, message);
    if (effect.kind === 'gap') this.brokeOff();
    if (effect.kind !== 'known') return;
    this.known = effect.known;
    this.publishSoon();
  }

  private resetTo(all: Known | undefined): void {
    if (!all) return this.brokeOff();
    // Of several servers one may be a moment behind the one that was asked first; what it tells next leads on all the same.
    if (this.known && !isAhead(all, this.known)) return;
    this.known = all;
    this.publishSoon();
  }

  /** All who listened break off at the same moment, and shall not ask at the same moment. However often streams fail, polls go on. */
  private brokeOff(): void {
    this.closeStream();
    this.streamFailures += 1;
    this.askAfter(Math.min(this.backOff(this.streamFailures), jittered(pollMs, this.parts.random())));
  }

  private closeStream(): void {
    this.cancelStreamTimer?.();
    this.stream?.close();
    this.stream = undefined;
    if (this.freshness === 'live') this.freshness = 'polled';
  }

  private askAfter(milliseconds: number): void {
    this.cancelNext?.();
    this.cancelNext = this.parts.later(() => {
      this.cancelNext = undefined;
      this.ask();
    }, milliseconds);
  }

  private backOff(failures: number): number {
    const most = Math.min(backOffMs.first * 2 ** (failures - 1), backOffMs.most);
    return jittered(most, this.parts.random());
  }

  private publishSoon(): void {
    // Nobody waits for the first of them.
    const wait = this.hasPublished ? bundleMs : 0;
    this.cancelPublish ??= this.parts.later(() => {
      this.cancelPublish = undefined;
      if (!this.known) return;
      this.hasPublished = true;
      this.parts.publish({ ...this.known, freshness: this.freshness });
    }, wait);
  }
}

const isAhead = (answer: Known, known: Known): boolean =>
  answer.version > known.version || (answer.version === known.version && answer.sequence >= known.sequence);

/** Between half of it and all of it. */
const jittered = (milliseconds: number, random: number): number => milliseconds * (0.5 + random / 2);
