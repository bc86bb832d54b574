import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { randomFrom } from './chance.fixture.ts';
import { estimatedWait, nextPollMs, type Phase, type Waiting } from './index.ts';

const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const waits = fc.record({
  ahead: fc.option(fc.integer({ min: -1_000, max: 2_000_000 }), { nil: undefined }),
  pacePerSecond: fc.double({ min: 0, max: 5_000, noNaN: true }),
  pollAfterSeconds: fc.integer({ min: 1, max: 120 }),
  phase: fc.constantFrom<Phase>('pre_queue', 'open', 'paused', 'sold_out'),
  opensInSeconds: fc.option(fc.integer({ min: 0, max: 86_400 }), { nil: undefined }),
});

describe('when a waiting fan asks again', () => {
  test('is never before the document can have changed, and never later than a minute and a quarter', () => {
    fc.assert(
      fc.property(waits, fraction, (waiting, chance) => {
        const ms = nextPollMs(waiting, () => chance);
        expect(ms).toBeGreaterThanOrEqual(1_000 * waiting.pollAfterSeconds);
        // Just before the opening: until then and ten seconds more.
        const longest =
          Math.max(75, 1.25 * waiting.pollAfterSeconds) + (waiting.phase === 'pre_queue' ? 10 : 0);
        expect(ms).toBeLessThanOrEqual(1_000 * longest);
      }),
    );
  });

  test('is not sooner for one who is further away', () => {
    fc.assert(
      fc.property(waits, fraction, fc.nat(100_000), (waiting, chance, further) => {
        const { ahead = 0 } = waiting;
        const near = nextPollMs({ ...waiting, ahead }, () => chance);
        const far = nextPollMs({ ...waiting, ahead: ahead + further }, () => chance);
        expect(far).toBeGreaterThanOrEqual(near ?? Infinity);
      }),
    );
  });

  test('is never, once the sale is closed', () => {
    expect(nextPollMs({ ahead: 5, pacePerSecond: 1, pollAfterSeconds: 2, phase: 'closed' })).toBeUndefined();
  });

  test('is different for two who read the same', () => {
    const waiting: Waiting = { ahead: 1e6, pacePerSecond: 10, pollAfterSeconds: 2, phase: 'open' };
    expect(nextPollMs(waiting, () => 0.9)).toBeGreaterThan(nextPollMs(waiting, () => 0.1) ?? Infinity);
  });

  // The promoter speeds up to three times as fast at any moment, or lets a paused sale go on.
  test('is soon enough: the turn is noticed within 1.25 pollAfterSeconds, whatever the pace was', () => {
    fc.assert(
      fc.property(
        fc.record({
          ahead: fc.integer({ min: 1, max: 500_000 }),
          seed: fc.nat(),
          pace: fc.integer({ min: 4, max: 500 }),
        }),
        fc.record({ factor: fc.double({ min: 0.1, max: 3, noNaN: true }), changesAfterMs: fc.nat(600_000) }),
        ({ ahead, seed, pace }, { factor, changesAfterMs }) => {
          const before = Math.min(ahead, (changesAfterMs * pace) / 1_000);
          const turnMs =
            before < ahead
              ? changesAfterMs + ((ahead - before) / (pace * factor)) * 1_000
              : (ahead / pace) * 1_000;
          const servedAt = (ms: number) =>
            ms < changesAfterMs
              ? (ms * pace) / 1_000
              : before + ((ms - changesAfterMs) * pace * factor) / 1_000;
          const random = randomFrom(seed);
          let now = 0;
          while (now < turnMs)
            now +=
              nextPollMs(
                {
                  ahead: ahead - servedAt(now),
                  pacePerSecond: now < changesAfterMs ? pace : pace * factor,
                  pollAfterSeconds: 2,
                  phase: 'open',
                },
                random,
              ) ?? Infinity;
          expect(now - turnMs).toBeLessThanOrEqual(2_500);
        },
      ),
    );
  });

  test('is after the opening for all who look shortly before it, spread over ten seconds', () => {
    const waiting: Waiting = {
      pacePerSecond: 0,
      pollAfterSeconds: 2,
      phase: 'pre_queue',
      opensInSeconds: 30,
    };
    expect(nextPollMs(waiting, () => 0)).toBe(30_000);
    expect(nextPollMs(waiting, () => 0.5)).toBe(35_000);
    expect(nextPollMs({ ...waiting, opensInSeconds: 3_600 }, () => 0)).toBe(60_000);
  });
});

describe('the estimated wait', () => {
  test('is an interval around the distance over the pace, wider the further away', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.double({ min: 0.1, max: 500, noNaN: true }),
        (ahead, pace) => {
          const { low, high } = estimatedWait(ahead, pace) ?? { low: NaN, high: NaN };
          expect(low).toBeGreaterThanOrEqual(0);
          expect(low).toBeLessThanOrEqual(ahead / pace);
          expect(high).toBeGreaterThanOrEqual(ahead / pace);
          const further = estimatedWait(2 * ahead, pace);
          expect(further?.high).toBeGreaterThanOrEqual(high);
        },
      ),
    );
  });

  test('is nothing at the turn, and unknown while the sale stands', () => {
    expect(estimatedWait(0, 0)).toEqual({ low: 0, high: 0 });
    expect(estimatedWait(10, 0)).toBeUndefined();
  });

  test('counts numbers that are called once the room is full at the pace of then', () => {
    const later = { after: 100, pacePerSecond: 1 };
    expect(estimatedWait(50, 10, later)).toEqual(estimatedWait(50, 10));
    const { low, high } = estimatedWait(1_000, 10, later) ?? { low: NaN, high: NaN };
    // 10 s until the room is full, then 900 more.
    expect([low < 910, high > 910, low > 500, high < 1_400]).toEqual([true, true, true, true]);
    expect(estimatedWait(1_000, 10, { after: -5, pacePerSecond: 1 })).toEqual(estimatedWait(1_000, 1));
    expect(estimatedWait(1_000, 10, { after: 100, pacePerSecond: 0 })).toBeUndefined();
  });

  // serving moves by chance (exponential gaps), at a pace that is up to 25 % from what was measured.
  test('contains the true wait of at least eight in ten', () => {
    const random = randomFrom(18);
    for (const ahead of [1, 5, 50, 500, 5_000]) {
      const fans = 400;
      let inside = 0;
      for (let fan = 0; fan < fans; fan++) {
        const pace = 20 * (0.75 + 0.5 * random());
        let wait = 0;
        for (let step = 0; step < ahead; step++) wait -= Math.log(1 - random()) / pace;
        const { low, high } = estimatedWait(ahead, 20) ?? { low: NaN, high: NaN };
        if (low <= wait && wait <= high) inside++;
      }
      expect(inside / fans, `${ahead} ahead`).toBeGreaterThanOrEqual(0.8);
    }
  });
});
