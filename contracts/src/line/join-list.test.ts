import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  checkJoins,
  checkSeed,
  commitmentOf,
  isRight,
  joinList,
  joinOf,
  joinRootOf,
  seedOf,
} from './index.ts';

const hash = (...parts: Buffer[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();

/** RFC 9162, section 2.1.1, word for word. */
function treeHash(entries: readonly Buffer[]): Buffer {
  const [first] = entries;
  if (!first) return hash();
  if (entries.length === 1) return hash(Buffer.of(0), first);
  const k = 2 ** Math.ceil(Math.log2(entries.length) - 1);
  return hash(Buffer.of(1), treeHash(entries.slice(0, k)), treeHash(entries.slice(k)));
}

const joinsOf = (size: number): string[] =>
  Array.from({ length: size }, (_, arrival) => joinOf(`header.fan-${arrival}.signature`));

describe('the list of joins', () => {
  test('has the root of the RFC, for every size up to 130, and at every step of one list', () => {
    const growing = joinList();
    for (let size = 0; size <= 130; size++) {
      const joins = joinsOf(size);
      const root = treeHash(joins.map((join) => Buffer.from(join, 'hex'))).toString('hex');
      expect(joinRootOf(joins)).toBe(root);
      expect(growing.root()).toBe(root);
      expect(growing.size).toBe(size);
      growing.add(joinOf(`header.fan-${size}.signature`));
    }
  });

  test('has another root when two fans change places', () => {
    const [first = '', second = '', ...others] = joinsOf(9);
    expect(joinRootOf([second, first, ...others])).not.toBe(joinRootOf([first, second, ...others]));
  });

  test('names a fan by what stands before the signature of their queue token', () => {
    expect(joinOf('header.body.one')).toBe(joinOf('header.body.two'));
    expect(joinOf('header.body.one')).not.toBe(joinOf('header.body2.one'));
    expect(joinOf('no-dots')).not.toBe(joinOf('no-dot'));
  });
});

describe('what was published of a shuffle', () => {
  const secret = '5e'.repeat(32);
  const joins = joinsOf(100);
  const joinRoot = joinRootOf(joins);
  const published = {
    commitment: commitmentOf(secret),
    secret,
    joinRoot,
    seed: seedOf(secret, joinRoot),
    preQueueSize: joins.length,
  };
  const wrong = async (changed: Partial<typeof published>, list: readonly string[] = joins) => {
    const all = { ...published, ...changed };
    return [...checkSeed(all), ...(await checkJoins(all, list))]
      .filter((one) => !isRight(one))
      .map(({ what }) => what);
  };

  test('is right when nothing was changed', async () => {
    expect(await wrong({})).toEqual([]);
  });

  test.each([
    { changed: { secret: '5f'.repeat(32) }, found: ['commitment', 'seed'] },
    { changed: { commitment: '00'.repeat(32) }, found: ['commitment'] },
    { changed: { seed: '00'.repeat(32) }, found: ['seed'] },
    { changed: { joinRoot: '00'.repeat(32) }, found: ['seed', 'join root'] },
    { changed: { preQueueSize: 99 }, found: ['pre-queue size'] },
  ])('shows that $found was changed', async ({ changed, found }) => {
    expect(await wrong(changed)).toEqual(found);
  });

  test('shows that a fan was left out or put in between', async () => {
    expect(await wrong({}, joins.slice(1))).toEqual(['join root', 'pre-queue size']);
    expect(await wrong({}, [joinOf('a.friend.x'), ...joins.slice(1)])).toEqual(['join root']);
  });
});
