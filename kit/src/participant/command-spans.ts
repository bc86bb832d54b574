import type { Delivery } from '../messaging/index.ts';
import type { CommandMessage, Outcome } from '../saga/index.ts';
import { isSampled, type OpenSpan, type Spans } from '../telemetry/index.ts';

/** The spans of a batch: one for each of its commands whose trace is sampled, below the span that asks. */
export class CommandSpans {
  readonly #open = new Map<CommandMessage, OpenSpan>();

  /** Nothing when nothing of the batch is traced, which is nearly always. */
  static of(
    spans: Spans | undefined,
    queue: string,
    batch: readonly Delivery<CommandMessage>[],
  ): CommandSpans | undefined {
    if (!spans || !batch.some(({ message }) => isSampled(message.traceparent))) return undefined;
    const begun = new CommandSpans();
    for (const { message, deliveries } of batch)
      begun.#begin(spans, queue, message, deliveries, batch.length);
    return begun;
  }

  /** Ends the command's span, before its reply leaves; returns the context for that. */
  answered(message: CommandMessage, outcome: Outcome): string | undefined {
    const span = this.#take(message);
    span?.set({ 'saga.outcome': 'ok' in outcome ? 'ok' : outcome.refused.code });
    span?.end();
    return span?.traceparent;
  }

  setAside(message: CommandMessage): void {
    this.#take(message)?.end('set aside as a dead letter');
  }

  /** Ends those that were not answered. */
  leave(): void {
    for (const span of this.#open.values()) span.end('not answered; it comes again');
    this.#open.clear();
  }

  #begin(spans: Spans, queue: string, message: CommandMessage, deliveries: number, batch: number): void {
    // A bus may deliver the same message twice in a batch.
    if (this.#open.has(message)) return;
    const { saga, step, direction, type, traceparent } = message;
    const span = spans.below(traceparent, {
      name: `${direction} ${type}`,
      kind: 'consumer',
      attributes: {
        'messaging.destination.name': queue,
        'messaging.batch.message_count': batch,
        'messaging.deliveries': deliveries,
        'saga.id': saga,
        'saga.step': step,
        'saga.direction': direction,
      },
    });
    if (span) this.#open.set(message, span);
  }

  #take(message: CommandMessage): OpenSpan | undefined {
    const span = this.#open.get(message);
    this.#open.delete(message);
    return span;
  }
}
