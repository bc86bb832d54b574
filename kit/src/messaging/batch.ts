import { aloneFromDelivery, type Delivery, type Handler, type Verdict } from './bus.ts';
import type { Fifo } from './fifo.ts';

/** A message on its way. `failures` counts those of its deliveries that the handler did not settle. */
export type Parcel = Delivery<unknown> & { readonly failures: number };

/** Up to `batchMax` messages; one that keeps failing travels alone. */
export function takeBatch<P extends Parcel>(waiting: Fifo<P>, batchMax: number): P[] {
  const batch: P[] = [];
  while (batch.length < batchMax) {
    const alone = (waiting.peek()?.failures ?? 0) + 1 >= aloneFromDelivery;
    if (alone && batch.length > 0) break;
    const next = waiting.shift();
    if (next) batch.push(next);
    if (alone || !next) break;
  }
  return batch;
}

/** What the handler says of a batch; throws what it throws, and when its verdicts do not fit. */
export async function verdictsOf(
  handler: Handler<unknown>,
  batch: readonly Parcel[],
): Promise<readonly Verdict[] | void> {
  const verdicts = await handler(batch);
  // Which of the messages it meant is anybody's guess, and a guess may lose one.
  if (verdicts && verdicts.length !== batch.length)
    throw new Error(`The handler gave ${verdicts.length} verdicts for ${batch.length} messages.`);
  return verdicts;
}

export type RetryOptions = {
  /** 0–1, as `Math.random`. */
  readonly random: () => number;
  /** What a handler threw is delivered again after this long, then four times as long each time, at most `retryMaxMs`. */
  readonly retryFirstMs: number;
  readonly retryMaxMs: number;
};

/** Together the delays outlast a database that restarts: a healthy message must not become a dead letter by that. */
export const retryDefaults: RetryOptions = { random: Math.random, retryFirstMs: 100, retryMaxMs: 10_000 };

/** Between half and the whole of it, so that retries do not march in step. */
export function retryDelayMs(failures: number, { retryFirstMs, retryMaxMs, random }: RetryOptions): number {
  return Math.min(retryMaxMs, retryFirstMs * 4 ** (failures - 1)) * (0.5 + random() / 2);
}
