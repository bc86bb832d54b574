import { randomFrom } from '../../kit/src/testing/fault-bus.ts';

/** All that is left to chance in a world, from one seed. */
export class Chance {
  readonly random: () => number;
  #ids = 0;

  constructor(seed: number) {
    this.random = randomFrom(Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995);
  }

  happens(probability: number): boolean {
    return probability > 0 && this.random() < probability;
  }

  /** A whole number from `least` to `most`. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.random() * (most - least + 1));
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[Math.floor(this.random() * from.length)];
    if (picked === undefined) throw new Error('There is nothing to pick from.');
    return picked;
  }

  some<T>(from: readonly T[], count: number): T[] {
    return from
      .map((item) => ({ item, at: this.random() }))
      .toSorted((a, b) => a.at - b.at)
      .slice(0, count)
      .map(({ item }) => item);
  }

  /** A UUID that says when it was made: a trace is read by people. */
  id(): string {
    return `0a000000-0000-7000-8000-${(++this.#ids).toString(16).padStart(12, '0')}`;
  }
}

/** The end of an id, which is what tells them apart here. */
export const shortId = (id: string): string => id.slice(24).replace(/^0+/, '#');
