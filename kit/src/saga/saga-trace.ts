import { isSampled, type OpenSpan, type Spans } from '../telemetry/index.ts';
import type { CommandMessage, ReplyMessage, StartMessage } from './messages.ts';

type Asked = Pick<CommandMessage, 'step' | 'direction' | 'type'>;

const keyOf = ({ step, direction }: Pick<Asked, 'step' | 'direction'>): string => `${direction} ${step}`;

/** The spans of one saga that a driver drives: the saga's own, and one for each step from its first asking to its reply. */
export class SagaTrace {
  readonly #spans: Spans;
  readonly #span: OpenSpan;
  readonly #asked = new Map<string, OpenSpan>();
  readonly #saga: string;
  #isEnded = false;

  private constructor(spans: Spans, span: OpenSpan, saga: string) {
    this.#spans = spans;
    this.#span = span;
    this.#saga = saga;
  }

  /** Below the request that started it; nothing when that is not traced. */
  static of(spans: Spans | undefined, { id, name, traceparent }: StartMessage): SagaTrace | undefined {
    if (!spans || !isSampled(traceparent)) return undefined;
    const span = spans.below(traceparent, sagaSpan(id, name));
    return span && new SagaTrace(spans, span, id);
  }

  /**
   * Of a saga taken over from another driver. Its row does not keep the span that started it: this is a second root of the same
   * trace, if the trace's id is one of those that are sampled.
   */
  static resumed(spans: Spans | undefined, id: string, name: string, traceId: string): SagaTrace | undefined {
    const span = spans?.root(traceId, sagaSpan(id, name));
    span?.note('taken over');
    return spans && span && new SagaTrace(spans, span, id);
  }

  get traceparent(): string {
    return this.#span.traceparent;
  }

  /** The context for a command: the span of its step, which is one however often it is asked. */
  asks(asked: Asked): string {
    const key = keyOf(asked);
    const known = this.#asked.get(key);
    if (known) {
      known.note('asked again');
      return known.traceparent;
    }
    const span = this.#spans.below(this.traceparent, {
      name: `${asked.direction} ${asked.type}`,
      kind: 'client',
      attributes: { 'saga.id': this.#saga, 'saga.step': asked.step, 'saga.direction': asked.direction },
    });
    if (span) this.#asked.set(key, span);
    return span?.traceparent ?? this.traceparent;
  }

  /** The first reply ends the step's span; its link tells which of several tries it is from. */
  hears(reply: ReplyMessage): void {
    const key = keyOf(reply);
    const span = this.#asked.get(key);
    if (!span) return;
    this.#asked.delete(key);
    span.set({ 'saga.outcome': outcomeOf(reply) });
    span.link(reply.traceparent);
    span.end();
  }

  note(what: string): void {
    this.#span.note(what);
  }

  /** `outcome`: succeeded, or the code it failed with. `fault` when it did not end here. */
  end(outcome: string, fault?: string): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    for (const span of this.#asked.values()) span.end('no reply was waited for');
    this.#asked.clear();
    this.#span.set({ 'saga.outcome': outcome });
    this.#span.end(fault);
  }
}

const sagaSpan = (id: string, name: string) => ({
  name: `saga ${name}`,
  kind: 'consumer' as const,
  attributes: { 'saga.id': id, 'saga.name': name },
});

const outcomeOf = ({ outcome }: ReplyMessage): string => ('ok' in outcome ? 'ok' : outcome.refused.code);
