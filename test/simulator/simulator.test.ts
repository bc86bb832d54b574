import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { addTo, neverMet } from './met.ts';
import { plants } from './plants.ts';
import { play } from './play.ts';

const blocks = [1, 51, 101, 151, 201, 251, 301, 351];
const blockSeeds = 50;

/** Worlds that found something, and what it was. Beside each fault stands a test of its own (kit/src/saga/runner-doubt.test.ts). */
const kept: readonly (readonly [number, string])[] = [
  [3, 'a fan is told of a saga that may never have a row'],
  [49, 'a start that was committed unheard is driven by nobody'],
  [49, 'a clock that is put back stalls a driver'],
  [285, 'a driver takes its own row over without knowing, and nobody drives it'],
  [379, 'a take-over that was committed unheard leaves sagas to nobody'],
];
describe('Whatever breaks, and in whichever order', () => {
  const counts = new Map<string, number>();

  test.each(blocks)(`everything holds in ${blockSeeds} worlds from seed %i on`, async (from) => {
    for (let seed = from; seed < from + blockSeeds; seed++) {
      const played = await play(seed);
      expect(played.wrong, `npm run simulate -- --seed ${seed} --trace`).toEqual([]);
      addTo(counts, played.counts);
    }
  });

  test('every fault and every branch was met in one of them', () => {
    expect(neverMet(counts, blocks.length * blockSeeds)).toEqual([]);
  });

  test.each(kept)('seed %i finds no more that %s', async (seed) => {
    expect((await play(seed)).wrong).toEqual([]);
  });
});

describe('One seed is one trace', () => {
  test('again in the same process', async () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const { hash, lines } = await play(seed);
      expect(lines.length).toBeGreaterThan(100);
      expect((await play(seed)).hash).toBe(hash);
    }
  });

  test('and in a process of its own', async () => {
    const run = promisify(execFile);
    const main = new URL('./main.ts', import.meta.url).pathname;
    for (const seed of [6, 7]) {
      const { hash } = await play(seed);
      const { stdout } = await run(process.execPath, [main, '--seed', String(seed)]);
      expect(stdout).toContain(hash);
    }
  });

  test('another seed is another trace', async () => {
    const hashes = new Set<string>();
    for (let seed = 1; seed <= 20; seed++) hashes.add((await play(seed)).hash);
    expect(hashes.size).toBe(20);
  });
});

describe('The checks turn red when', () => {
  test.each(Object.entries(plants))('%s', async (_, plant) => {
    let found: readonly string[] = [];
    for (let seed = 1; seed <= 200 && found.length === 0; seed++) found = (await play(seed, plant)).wrong;
    expect(found).not.toEqual([]);
  });
});
