import type { Handler } from './bus.ts';

type Patience = {
  /** Whether what failed is a server that is not there, so that no message can be to blame. */
  readonly isAway: (error: unknown) => boolean;
  readonly firstMs?: number;
  readonly maxMs?: number;
};

/**
 * A handler that needs a server which may be away for longer than retries last: its messages come again, later each time, and
 * are never set aside for that.
 */
export const outlasting =
  <T>(handler: Handler<T>, { isAway, firstMs = 100, maxMs = 5_000 }: Patience): Handler<T> =>
  async (batch) => {
    try {
      return await handler(batch);
    } catch (error) {
      if (!isAway(error)) throw error;
      return batch.map(({ deliveries }) => {
        const delayMs = Math.min(maxMs, firstMs * 2 ** Math.min(deliveries - 1, 20));
        return { retryAfterMs: delayMs * (0.5 + Math.random() / 2) };
      });
    }
  };
