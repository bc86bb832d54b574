import { describe, expect, test } from 'vitest';
import { randomFrom } from '../../../contracts/src/line/chance.fixture.ts';
import { CacheModel } from './cache-model.ts';
import { imagineCrowd } from './crowd-run.ts';
import { tickMs, WaitingCrowd, type LineDocument } from './waiting-crowd.ts';

const documentAt = (ms: number): LineDocument => ({
  phase: 'open',
  serving: Math.floor(ms / 50),
  pacePerSecond: 20,
  pollAfterSeconds: 2,
});
const times = { freshMs: 1_000, graceMs: 5_000, fetchMs: 10 };

describe('the model of the cache', () => {
  test('sends one request on for all who come while it fetches, and gives them the new document', () => {
    const cache = new CacheModel(times);
    expect([0, 1, 9].map((ms) => cache.request(ms))).toEqual([10, 10, 10]);
    expect(cache.request(1_009)).toBe(10);
    expect(cache.counts).toEqual({ received: 4, sentOn: 1 });
  });

  test('gives the old document while the new one is fetched, and no older one than its grace allows', () => {
    const cache = new CacheModel(times);
    cache.request(0);
    expect(cache.request(1_010)).toBe(10);
    expect(cache.request(1_015)).toBe(10);
    expect(cache.request(1_020)).toBe(1_020);
    expect(cache.request(9_000)).toBe(9_010);
    expect(cache.counts.sentOn).toBe(3);
  });
});

describe('a waiting crowd', () => {
  test('asks each fan again, none sooner than the document allows and none later than in 75 seconds', () => {
    const crowd = new WaitingCrowd(500, documentAt(0), randomFrom(1));
    const askedAt = new Map<number, number>();
    const gaps: number[] = [];
    while (crowd.nowMs < 400_000)
      for (const fan of crowd.next()) {
        const before = askedAt.get(fan);
        if (before !== undefined) gaps.push(crowd.nowMs - before);
        askedAt.set(fan, crowd.nowMs);
        crowd.reads(fan, documentAt(crowd.nowMs));
      }
    expect(askedAt.size).toBe(500);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(2_000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(75_000 + tickMs);
  });

  test('of a hundred thousand costs the origin what one of a thousand does', () => {
    const [few, many] = [1_000, 100_000].map((fans) =>
      imagineCrowd({
        fans,
        seconds: 120,
        cache: new CacheModel(times),
        documentAt,
        random: randomFrom(fans),
      }),
    );
    expect(many?.polls).toBeGreaterThan(10 * (few?.polls ?? Infinity) * 0.5);
    expect(Math.abs((many?.sentOn ?? 0) / (few?.sentOn ?? 1) - 1)).toBeLessThan(0.1);
  });
});
