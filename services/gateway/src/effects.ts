import type { Bus, Consumer } from '@tutti/kit/messaging';
import { answerQueue, startQueue, type Answer, type AnswerMessage, type StartMessage } from '@tutti/kit/saga';
import { crashPoint, steadyNow, uuidv7, type Log } from '@tutti/kit/service';
import { isSampled, type Spans } from '@tutti/kit/telemetry';

/** An effect as a fan asked for it. */
export type Effect = {
  readonly saga: string;
  readonly fan: string;
  /** Method and route template: the scope of the key. */
  readonly route: string;
  readonly key: string;
  readonly fingerprint: string;
  readonly input: object;
  readonly traceId: string;
  readonly traceparent?: string | undefined;
  readonly waitMs: number;
};

export type EffectResult =
  | {
      readonly kind: 'answer';
      readonly operation: string;
      readonly answer: Answer;
      readonly replayed: boolean;
    }
  | { readonly kind: 'running' | 'in_flight' | 'key_reused'; readonly operation: string }
  | { readonly kind: 'overloaded' }
  | { readonly kind: 'unknown' };

type Pending = {
  readonly start: StartMessage;
  readonly giveUpAt: number;
  repeatAt: number;
  isRepeated: boolean;
  stored: boolean;
  readonly done: (result: EffectResult) => void;
};

const tickMs = 100;
const repeatMs = 1_000;
/** How long a start may still begin after the fan's wait has ended. */
const graceMs = 5_000;

/** Turns requests into sagas and waits for their answers. A start is repeated until it is answered (rule 3). */
export class Effects {
  readonly #bus: Bus;
  readonly #log: Log;
  readonly #spans: Spans | undefined;
  readonly #newId: () => string;
  readonly #replyTo: string;
  readonly #pending = new Map<string, Pending>();
  readonly #consumer: Consumer;
  readonly #timer: NodeJS.Timeout;
  #outgoing: StartMessage[] = [];
  #stopped = false;

  constructor(bus: Bus, log: Log, spans?: Spans, newId: () => string = uuidv7) {
    this.#bus = bus;
    this.#log = log;
    this.#spans = spans;
    this.#newId = newId;
    this.#replyTo = `gateway.answers.${newId()}`;
    this.#consumer = bus.consume(
      answerQueue(this.#replyTo),
      (batch) => {
        for (const { message } of batch) this.#onAnswer(message);
        return Promise.resolve();
      },
      { batchMax: 4_096 },
    );
    this.#timer = setInterval(() => this.#tick(), tickMs);
  }

  run(effect: Effect): Promise<EffectResult> {
    // A connection that is still open may bring a request; nobody would hear of its answer.
    if (this.#stopped) return Promise.resolve({ kind: 'overloaded' });
    const now = steadyNow();
    const { waitMs, traceparent, ...rest } = effect;
    const start: StartMessage = {
      id: this.#newId(),
      name: rest.saga,
      fan: rest.fan,
      route: rest.route,
      key: rest.key,
      fingerprint: rest.fingerprint,
      input: rest.input,
      traceId: rest.traceId,
      ...(traceparent !== undefined && { traceparent }),
      sentAt: now,
      notAfter: now + waitMs + graceMs,
      replyTo: this.#replyTo,
      tellStored: waitMs <= repeatMs,
    };
    return new Promise((done) => {
      this.#pending.set(start.id, {
        start,
        giveUpAt: now + waitMs,
        repeatAt: now + repeatMs,
        isRepeated: false,
        stored: false,
        done,
      });
      this.#send(start);
    });
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#consumer.stop();
    for (const { start, done, stored } of this.#pending.values())
      done(stored ? { kind: 'running', operation: start.id } : { kind: 'unknown' });
    this.#pending.clear();
  }

  #onAnswer(message: AnswerMessage): void {
    const pending = this.#pending.get(message.id);
    if (!pending) return;
    this.#noteArrival(message, pending.start.name);
    if (message.kind === 'stored') {
      pending.stored = true;
      return;
    }
    // One driver has no room for the repetition; another may have stored the first. Only silence or an answer will tell.
    if (message.kind === 'overloaded' && (pending.stored || pending.isRepeated)) return;
    this.#pending.delete(message.id);
    pending.done(message);
  }

  #noteArrival({ traceparent, kind, operation }: AnswerMessage, saga: string): void {
    if (!this.#spans || !isSampled(traceparent)) return;
    const attributes = { 'saga.id': operation, 'saga.answer': kind };
    this.#spans.below(traceparent, { name: `${kind} ${saga}`, kind: 'consumer', attributes })?.end();
  }

  /** One frame for all starts of this event-loop turn. */
  #send(start: StartMessage): void {
    if (this.#outgoing.push(start) > 1) return;
    setImmediate(() => {
      const starts = this.#outgoing;
      this.#outgoing = [];
      crashPoint('gateway.before-start');
      this.#bus.publish(startQueue, starts).catch((error: unknown) => {
        this.#log.warn({ error, starts: starts.length }, 'starts could not be sent; they are repeated');
      });
    });
  }

  #tick(): void {
    const now = steadyNow();
    for (const [id, pending] of this.#pending) {
      if (now >= pending.giveUpAt) {
        // A start whose fate is unknown gets a last moment when the wait was shorter than its own way.
        if (!pending.stored && pending.start.tellStored && now < pending.giveUpAt + repeatMs) continue;
        this.#pending.delete(id);
        pending.done(pending.stored ? { kind: 'running', operation: id } : { kind: 'unknown' });
      } else if (now >= pending.repeatAt) {
        // Also what is stored: its driver may have been replaced by one that does not know who waits.
        pending.repeatAt = now + repeatMs;
        pending.isRepeated = true;
        this.#send({ ...pending.start, sentAt: now });
      }
    }
  }
}
