import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arrivalOf, commitmentOf, joinOf, joinRootOf, numberOf, placesOf, seedOf } from './index.ts';

const seedHex = (text: number): string => text.toString(16).padStart(64, '0');
const upTo = (size: number): number[] => Array.from({ length: size }, (_, index) => index);

/** How far from even these values, each below `kinds`, are spread. */
function chiSquareOf(values: readonly number[], kinds: number): number {
  const expected = values.length / kinds;
  const times = new Map<number, number>();
  for (const value of values) times.set(value, (times.get(value) ?? 0) + 1);
  return upTo(kinds).reduce((sum, kind) => sum + ((times.get(kind) ?? 0) - expected) ** 2 / expected, 0);
}

describe('places of a pre-queue', () => {
  test('every number is given once, for every size from 1 to 2,000', () => {
    for (let preQueueSize = 1; preQueueSize <= 2_000; preQueueSize++) {
      const places = placesOf({ seed: seedHex(preQueueSize), preQueueSize });
      const taken = new Uint8Array(preQueueSize);
      for (let arrival = 0; arrival < preQueueSize; arrival++) {
        const number = places.numberOf(arrival);
        taken[number - 1] = 1;
        if (places.arrivalOf(number) !== arrival)
          expect.fail(`${number} of ${preQueueSize} leads back elsewhere`);
      }
      if (taken.includes(0)) expect.fail(`a number of ${preQueueSize} was given twice`);
    }
  });

  test('numbers of a large pre-queue lead back to their arrivals', () => {
    const order = fc.record({
      seed: fc.nat().map(seedHex),
      preQueueSize: fc.integer({ min: 1, max: 2 ** 30 }),
    });
    fc.assert(
      fc.property(order, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (one, part) => {
        const arrival = Math.floor(part * one.preQueueSize);
        const number = numberOf({ ...one, arrival });
        expect(number).toBeGreaterThanOrEqual(1);
        expect(number).toBeLessThanOrEqual(one.preQueueSize);
        expect(arrivalOf({ ...one, number })).toBe(arrival);
      }),
      { numRuns: 60 },
    );
  });

  // 4,000 seeds from 0: the statistic is the same in every run. Bounds are the 99.9 % quantiles of chi-square.
  test.each([
    { preQueueSize: 2, chiSquareMax: 10.8 },
    { preQueueSize: 5, chiSquareMax: 18.5 },
    { preQueueSize: 10, chiSquareMax: 27.9 },
    { preQueueSize: 100, chiSquareMax: 148.3 },
  ])('in a pre-queue of $preQueueSize no arrival has better chances', ({ preQueueSize, chiSquareMax }) => {
    const seeds = 4_000;
    for (const arrival of [0, Math.floor(preQueueSize / 2), preQueueSize - 1]) {
      const numbers = upTo(seeds).map((seed) => numberOf({ seed: seedHex(seed), preQueueSize, arrival }) - 1);
      const chiSquare = chiSquareOf(numbers, preQueueSize);
      expect(chiSquare, `arrival ${arrival}`).toBeLessThan(chiSquareMax);
    }
  });

  test('the first of ten thousand arrivals are spread over all numbers', () => {
    const preQueueSize = 10_000;
    const places = placesOf({ seed: seedHex(7), preQueueSize });
    const tenthsOf = upTo(1_000).map((arrival) =>
      Math.floor(((places.numberOf(arrival) - 1) * 10) / preQueueSize),
    );
    expect(chiSquareOf(tenthsOf, 10)).toBeLessThan(27.9);
  });

  test('who did not join in the pre-queue has no place in it', () => {
    const order = { seed: seedHex(1), preQueueSize: 3 };
    for (const arrival of [-1, 3, 1.5, NaN])
      expect(() => numberOf({ ...order, arrival })).toThrow(RangeError);
    for (const number of [0, 4]) expect(() => arrivalOf({ ...order, number })).toThrow(RangeError);
    expect(() => placesOf({ seed: seedHex(1), preQueueSize: 2 ** 30 + 1 })).toThrow(RangeError);
  });
});

interface Golden {
  shuffle: {
    secret: string;
    commitment: string;
    queueTokens: string[];
    joins: string[];
    joinRoot: string;
    seed: string;
  };
  places: { seed: string; preQueueSize: number; arrivals: number[]; numbers: number[] }[];
}

test('the examples for other languages still hold', () => {
  const golden: Golden = JSON.parse(readFileSync(path.join(import.meta.dirname, 'golden.json'), 'utf8'));
  const { secret, commitment, queueTokens, joins, joinRoot, seed } = golden.shuffle;
  expect(commitmentOf(secret)).toBe(commitment);
  expect(queueTokens.map(joinOf)).toEqual(joins);
  expect(joinRootOf(joins)).toBe(joinRoot);
  expect(seedOf(secret, joinRoot)).toBe(seed);
  for (const { arrivals, numbers, ...order } of golden.places)
    expect(arrivals.map(placesOf(order).numberOf)).toEqual(numbers);
});
