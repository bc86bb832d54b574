import { operationOf, send } from './client.ts';
import { isRefusal, Refusal, Unreachable } from './refusal.ts';
import type { Operation } from './wire.ts';

/** What a fan may wish: one at a time of each. */
export type Wish = `reserve:${string}` | `pay:${string}` | `cancel:${string}` | 'charge';

/**
 * One wish of the fan's that must have its effect at most once: it keeps its Idempotency-Key, across reloads too, until its
 * outcome is known. While it is not, the same key is asked again; after a refusal the next wish has a new key.
 */
export type Attempt = {
  /** Whose it is: another fan in the same browser has nothing to do with it. */
  readonly userId: string;
  readonly wish: Wish;
  readonly key: string;
  readonly path: string;
  readonly body: object;
  /** By the device's clock, in milliseconds since 1970. */
  readonly begunAtMs: number;
};

/**
 * `asking` the server; `following` an operation that takes longer; `repeating` the question, because the server was busy or does
 * not know the outcome either; `waiting` for the connection.
 */
export type Phase = 'asking' | 'following' | 'repeating' | 'waiting';

export type Outcome<T> = { readonly body: T; readonly operationId: string | null };

const minutesMs = 60_000;

/** Seats are wanted now or not at all. Of the rest the server knows the keys for a day: later the same key would be a new wish. */
const ageMsMax = (wish: Wish): number => (isReserve(wish) ? 10 : 24 * 60) * minutesMs;

const isTooOld = ({ wish, begunAtMs }: Pick<Attempt, 'wish' | 'begunAtMs'>): boolean =>
  Date.now() - begunAtMs >= ageMsMax(wish);

const isReserve = (wish: Wish): boolean => wish.startsWith('reserve:');

const placeOf = (userId: string, wish: Wish): string => `tutti.attempt.${userId}.${wish}`;

type Kept = Pick<Attempt, 'key' | 'path' | 'body' | 'begunAtMs'>;

const isKept = (value: unknown): value is Kept =>
  typeof value === 'object' &&
  value !== null &&
  'key' in value &&
  typeof value.key === 'string' &&
  'path' in value &&
  typeof value.path === 'string' &&
  'body' in value &&
  typeof value.body === 'object' &&
  value.body !== null &&
  'begunAtMs' in value &&
  typeof value.begunAtMs === 'number';

function keptAt(place: string): Kept | null {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(place) ?? 'null');
    return isKept(value) ? value : null;
  } catch {
    return null;
  }
}

/** The one whose outcome is not known yet, unless it is too old to matter. */
export function openAttempt(userId: string, wish: Wish): Attempt | null {
  const kept = keptAt(placeOf(userId, wish));
  return kept && !isTooOld({ ...kept, wish }) ? { ...kept, userId, wish } : null;
}

/**
 * Begins one, or goes on with the one that is open: it may have had its effect already. Other seats are another wish all the
 * same: those that were asked for before are held for some minutes at most, and these are the ones that the fan wants.
 */
export function beginAttempt(userId: string, wish: Wish, path: string, body: object): Attempt {
  const open = openAttempt(userId, wish);
  if (open && !(isReserve(wish) && JSON.stringify(open.body) !== JSON.stringify(body))) return open;
  const attempt = { userId, wish, key: crypto.randomUUID(), path, body, begunAtMs: Date.now() };
  try {
    localStorage.setItem(placeOf(userId, wish), JSON.stringify(attempt));
  } catch {
    // A full storage is no reason to refuse a fan: the wish is then remembered as long as the page is there.
  }
  return attempt;
}

/** Its outcome is known, from its answer or from what has become of its subject. Another one with another key is left alone. */
export function endAttempt({ userId, wish, key }: Pick<Attempt, 'userId' | 'wish'> & { key?: string }): void {
  const place = placeOf(userId, wish);
  if (key === undefined || keptAt(place)?.key === key) localStorage.removeItem(place);
}

/** What goes on after an error that leaves the outcome open, with the same key; null when it is known. */
function phaseAfter(error: unknown): Phase | null {
  if (error instanceof Unreachable) return 'waiting';
  if (isRefusal(error, 'idempotency_in_flight')) return 'following';
  return isRefusal(error, 'outcome_unknown', 'overloaded', 'rate_limited', 'request_timeout')
    ? 'repeating'
    : null;
}

// The server may have broken before or after the effect: ask a few times, then say so and keep the key.
const brokenMax = 4;

/**
 * Asks until the outcome is known, or until the wish is too old for that; resolves with the answer, rejects with the refusal.
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
      const isBroken = isRefusal(error, 'internal_error');
      const next = isBroken && ++broken < brokenMax ? 'repeating' : phaseAfter(error);
      if (next === null) {
        if (!isBroken && !isRefusal(error, 'unauthenticated')) endAttempt(attempt);
        throw error;
      }
      tell(next);
      await pause(tries, error, signal);
      if (isTooOld(attempt)) {
        endAttempt(attempt);
        throw new Refusal('request_timeout', 408, {}, null);
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
