import { operationOf, send } from './client.ts';
import { isRefusal, Refusal, Unreachable } from './refusal.ts';
import type { Operation } from './wire.ts';

/**
 * One wish of the fan's that must have its effect at most once: it keeps its Idempotency-Key, across reloads too, until its
 * outcome is known. While it is not, the same key is asked again; after a refusal the next wish has a new key.
 */
export type Attempt = {
  /** Whose it is: another fan in the same browser has nothing to do with it. */
  readonly userId: string;
  /** What is wished, such as `pay:<reservation>`: one at a time of each. */
  readonly wish: string;
  readonly key: string;
  readonly path: string;
  readonly body: object;
};

/** `asking` the server; `following` an operation that takes longer; `waiting` for the connection or for room. */
export type Phase = 'asking' | 'following' | 'waiting';

export type Outcome<T> = { readonly body: T; readonly operationId: string | null };

const placeOf = (userId: string, wish: string): string => `tutti.attempt.${userId}.${wish}`;

function isAttempt(value: unknown): value is Attempt {
  return typeof value === 'object' && value !== null && 'key' in value && 'path' in value && 'body' in value;
}

/** The one whose outcome is not known yet. */
export function openAttempt(userId: string, wish: string): Attempt | null {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(placeOf(userId, wish)) ?? 'null');
    return isAttempt(value) ? value : null;
  } catch {
    return null;
  }
}

/** Begins one, or goes on with the one that is open: it may have had its effect already. */
export function beginAttempt(userId: string, wish: string, path: string, body: object): Attempt {
  const open = openAttempt(userId, wish);
  if (open) return open;
  const attempt = { userId, wish, key: crypto.randomUUID(), path, body };
  try {
    localStorage.setItem(placeOf(userId, wish), JSON.stringify(attempt));
  } catch {
    // A full storage is no reason to refuse a fan: the wish is then remembered as long as the page is there.
  }
  return attempt;
}

/** Its outcome is known, from its answer or from what has become of its subject. */
export const endAttempt = ({ userId, wish }: Pick<Attempt, 'userId' | 'wish'>): void =>
  localStorage.removeItem(placeOf(userId, wish));

/** Nothing was stored under the key, so the same key may be asked again. */
const isUnknown = (error: unknown): boolean =>
  error instanceof Unreachable ||
  isRefusal(
    error,
    'outcome_unknown',
    'overloaded',
    'rate_limited',
    'idempotency_in_flight',
    'request_timeout',
  );

// The server may have broken before or after the effect: ask a few times, then say so and keep the key.
const brokenMax = 4;

/**
 * Asks until the outcome is known, however long the connection is away; resolves with the answer, rejects with the refusal.
 * Only `unauthenticated` and `internal_error` leave the attempt open: the same key goes on after signing in or on request.
 */
export async function settle<T>(
  attempt: Attempt,
  headers: Readonly<Record<string, string>>,
  tell: (phase: Phase) => void,
  signal: AbortSignal,
): Promise<Outcome<T>> {
  let broken = 0;
  for (let tries = 0; ; tries++) {
    tell('asking');
    try {
      const answer = await send<T>('POST', attempt.path, {
        body: attempt.body,
        headers: { ...headers, 'idempotency-key': attempt.key },
        signal,
      });
      const operationId = operationOf(answer.headers);
      if (answer.status !== 202) {
        endAttempt(attempt);
        return { body: answer.body, operationId };
      }
      tell('following');
      await ended(operationId, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (isRefusal(error, 'internal_error') && ++broken < brokenMax) await pause(tries, null, signal);
      else if (isUnknown(error)) {
        tell('waiting');
        await pause(tries, error, signal);
      } else {
        if (!isRefusal(error, 'unauthenticated', 'internal_error')) endAttempt(attempt);
        throw error;
      }
    }
  }
}

/** Follows an operation until it has ended; the attempt's own route then tells the answer. */
async function ended(operationId: string | null, signal: AbortSignal): Promise<void> {
  for (let tries = 0; operationId !== null; tries++) {
    await pause(Math.min(tries, 2), null, signal);
    const { body } = await send<Operation>('GET', `/operations/${operationId}`, { signal });
    if (body.status === 'succeeded' || body.status === 'failed') return;
  }
}

const pauseMsFirst = 400;
const pauseMsMax = 8_000;

/** Twice as long each time, with jitter; at least what the server asked for; less when the connection is back. */
export function pause(tries: number, error: unknown, signal: AbortSignal): Promise<void> {
  const asked = error instanceof Refusal ? (error.retryAfterSeconds ?? 0) * 1_000 : 0;
  const grown = Math.min(pauseMsMax, pauseMsFirst * 2 ** Math.min(tries, 10));
  const ms = Math.max(asked, grown * (0.5 + Math.random() / 2));
  return new Promise((resolve, reject) => {
    const stop = new AbortController();
    const timer = setTimeout(go, ms);
    function go() {
      stop.abort();
      clearTimeout(timer);
      resolve();
    }
    if (asked === 0) addEventListener('online', go, { signal: stop.signal });
    signal.addEventListener(
      'abort',
      () => {
        stop.abort();
        clearTimeout(timer);
        reject(signal.reason);
      },
      { signal: stop.signal },
    );
  });
}
