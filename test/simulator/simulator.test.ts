import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { addTo, neverMet } from './met.ts';
import { plants } from './plants.ts';
import { play } from './play.ts';

const seeds = 400;
/** Each found something once; the comment says what. */
const kept: readonly number[] = [];

const whatWasWrong = async (seed: number): Promise<string> => {
  const { wrong } = await play(seed);
  return wrong.length === 0 ? 'nothing' : `npm run simulate -- --seed ${seed} --trace: ${wrong.join('; ')}`;
};

describe('Whatever breaks, and in whichever order', () => {
  test(`everything holds in ${seeds} worlds, and every fault and branch was met in one of them`, async () => {
    const counts = new Map<string, number>();
    for (let seed = 1; seed <= seeds; seed++) {
      const played = await play(seed);
      expect(played.wrong, `npm run simulate -- --seed ${seed} --trace`).toEqual([]);
      addTo(counts, played.counts);
    }
    expect(neverMet(counts)).toEqual([]);
  });

  test.each(kept)('seed %i finds nothing any more', async (seed) => {
    expect(await whatWasWrong(seed)).toBe('nothing');
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
    for (let seed = 1; seed <= 100 && found.length === 0; seed++) found = (await play(seed, plant)).wrong;
    expect(found).not.toEqual([]);
  });
});
