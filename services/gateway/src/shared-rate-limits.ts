import type { Log } from '@tutti/kit/service';
import { Redis } from 'ioredis';
import { hash } from 'node:crypto';
import type { RateLimit, RateLimits, Rule } from './rate-limits.ts';

// Redis's own clock: gateways may differ. A bucket is forgotten when it would be full again.
const takeScript = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local wait = 0
for i, key in ipairs(KEYS) do
  local count = tonumber(ARGV[2 * i - 1])
  local perMs = count / (tonumber(ARGV[2 * i]) * 1000)
  local bucket = redis.call('HMGET', key, 'left', 'at')
  local left = math.min(count, (tonumber(bucket[1]) or count) + (now - (tonumber(bucket[2]) or now)) * perMs)
  if left < 1 then
    wait = math.max(wait, math.ceil((1 - left) / perMs / 1000))
  else
    left = left - 1
  end
  redis.call('HSET', key, 'left', tostring(left), 'at', now)
  redis.call('PEXPIRE', key, math.ceil((count - left) / perMs) + 1000)
end
return wait
`;

const commandTimeoutMs = 100;
/** After Redis failed, the buckets of this process do alone for so long. */
const aloneMs = 1_000;

type Script = { take(keys: number, ...words: string[]): Promise<number> };

/**
 * The same buckets for all gateways, in Redis. When Redis does not answer, each gateway goes by its own: a limit that is too
 * generous for a while is better than a door that does not open.
 */
export class SharedRateLimits implements RateLimits {
  readonly #rules: ReadonlyMap<RateLimit, Rule>;
  readonly #own: RateLimits;
  readonly #log: Log;
  readonly #redis: Redis;
  readonly #script: Script;
  #aloneUntil = 0;

  constructor(options: { url: string; rules: ReadonlyMap<RateLimit, Rule>; own: RateLimits; log: Log }) {
    this.#rules = options.rules;
    this.#own = options.own;
    this.#log = options.log;
    this.#redis = new Redis(options.url, {
      enableOfflineQueue: false,
      enableAutoPipelining: true,
      maxRetriesPerRequest: 0,
      commandTimeout: commandTimeoutMs,
      connectTimeout: 2_000,
      retryStrategy: (times) => Math.min(2_000, 50 * 2 ** times) * (0.5 + Math.random() / 2),
    });
    // Without a listener a lost connection would end the process; the next command tells.
    this.#redis.on('error', () => {});
    this.#redis.defineCommand('take', { lua: takeScript });
    // `defineCommand` adds a method that the types of the library cannot know.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    this.#script = this.#redis as unknown as Script;
  }

  take(limits: readonly RateLimit[], who: string, now: number): number | Promise<number> {
    const named = limits.flatMap((limit) => {
      const rule = this.#rules.get(limit);
      return rule ? [{ limit, rule }] : [];
    });
    if (named.length === 0) return 0;
    if (now < this.#aloneUntil) return this.#own.take(limits, who, now);
    // Who it is may be an e-mail address: not for others to read.
    const whose = hash('sha256', who, 'base64url');
    const keys = named.map(({ limit }) => `rate/${limit}/${whose}`);
    const rules = named.flatMap(({ rule }) => [String(rule.count), String(rule.seconds)]);
    return this.#script.take(keys.length, ...keys, ...rules).catch((error: unknown) => {
      if (now >= this.#aloneUntil)
        this.#log.warn({ error }, 'Redis does not answer; rate limits are those of this process');
      this.#aloneUntil = now + aloneMs;
      return this.#own.take(limits, who, now);
    });
  }

  stop(): void {
    this.#redis.disconnect();
  }
}
