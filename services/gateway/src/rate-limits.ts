import { steadyNow, type Environment } from '@tutti/kit/service';
import { Refused } from './problems.ts';

/**
 * Token buckets per fan (or, before there is a fan, per e-mail address asked for): `RATE_LIMITS` is a list of
 * `name=count/seconds`, or `off`. A bucket holds `count` and fills again in `seconds`.
 */
export type RateLimit = 'requests' | 'effects' | 'sign-ins';

export const defaultRateLimits = 'requests=600/10,effects=200/10,sign-ins=30/60';

export type Rule = { readonly count: number; readonly seconds: number };
type Bucket = { left: number; at: number };

const bucketsMax = 200_000;
const names: readonly RateLimit[] = ['requests', 'effects', 'sign-ins'];

/** `RATE_LIMITS`, checked; what is wrong with it is a fault of the environment. */
export function readRateLimits(read: Environment): string {
  const text = read.text('RATE_LIMITS', defaultRateLimits);
  try {
    parseRateLimits(text);
  } catch (error) {
    read.fault(error instanceof Error ? error.message : String(error));
  }
  return text;
}

/** Throws a sentence when the text is not of that form. */
export function parseRateLimits(text: string): ReadonlyMap<RateLimit, Rule> {
  const rules = new Map<RateLimit, Rule>();
  if (text === 'off') return rules;
  for (const part of text.split(',')) {
    const [, name, count, seconds] = /^([a-z-]+)=(\d+)\/(\d+)$/.exec(part.trim()) ?? [];
    const known = names.find((one) => one === name);
    if (!known || Number(count) < 1 || Number(seconds) < 1)
      throw new Error(`RATE_LIMITS must be "off" or a list like "${defaultRateLimits}", not "${part}".`);
    rules.set(known, { count: Number(count), seconds: Number(seconds) });
  }
  return rules;
}

export type RateLimits = {
  /** Takes one from each bucket. 0, or the whole seconds after which all of them have one again. */
  take(limits: readonly RateLimit[], who: string, now: number): number | Promise<number>;
  stop(): void;
};

/** The buckets of one process, in its memory. */
export class OwnRateLimits implements RateLimits {
  readonly #rules: ReadonlyMap<RateLimit, Rule>;
  readonly #buckets = new Map<string, Bucket>();
  /** Oldest first, and one for good: a new one would pass all that were taken out before it. */
  readonly #oldest = this.#buckets.keys();

  constructor(rules: ReadonlyMap<RateLimit, Rule>) {
    this.#rules = rules;
  }

  take(limits: readonly RateLimit[], who: string, now: number): number {
    let seconds = 0;
    for (const limit of limits) seconds = Math.max(seconds, this.#takeOne(limit, who, now));
    return seconds;
  }

  stop(): void {
    this.#buckets.clear();
  }

  #takeOne(limit: RateLimit, who: string, now: number): number {
    const rule = this.#rules.get(limit);
    if (!rule) return 0;
    const key = `${limit} ${who}`;
    const bucket = this.#buckets.get(key) ?? this.#newBucket(key, rule.count, now);
    const perMs = rule.count / (rule.seconds * 1_000);
    bucket.left = Math.min(rule.count, bucket.left + (now - bucket.at) * perMs);
    bucket.at = now;
    if (bucket.left < 1) return Math.ceil((1 - bucket.left) / perMs / 1_000);
    bucket.left -= 1;
    return 0;
  }

  /** Bounded: the oldest bucket makes room. It was most likely full again. */
  #newBucket(key: string, left: number, at: number): Bucket {
    if (this.#buckets.size >= bucketsMax) {
      const { value: oldest } = this.#oldest.next();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    const bucket = { left, at };
    this.#buckets.set(key, bucket);
    return bucket;
  }
}

/** Throws `rate_limited` when the caller has used up one of these. At once when nobody else has to be asked. */
export function limit(limits: RateLimits, names: readonly RateLimit[], who: string): void | Promise<void> {
  const seconds = limits.take(names, who, steadyNow());
  if (typeof seconds === 'number') refuseAbove(seconds);
  else return seconds.then(refuseAbove);
}

function refuseAbove(seconds: number): void {
  if (seconds > 0) throw new Refused('rate_limited', {}, { 'retry-after': String(seconds) });
}
