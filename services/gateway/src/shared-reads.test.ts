import { expect, test } from 'vitest';
import { SharedReads } from './shared-reads.ts';

/** Reads that are answered by hand. */
function byHand() {
  const reads: { key: string; done: (text: string) => void; failed: (error: Error) => void }[] = [];
  const shared = new SharedReads<string>();
  const find = (key = 'a') =>
    shared.find(key, () => new Promise((done, failed) => reads.push({ key, done, failed })));
  return { reads, find };
}

test('all who ask while a read runs share the next one, which begins after they asked', async () => {
  const { reads, find } = byHand();
  const first = find();
  const crowd = [find(), find(), find()];
  expect(reads).toHaveLength(1);
  reads[0]?.done('one');
  expect(await first).toBe('one');
  expect(reads).toHaveLength(2);
  const later = find();
  reads[1]?.done('two');
  expect(await Promise.all(crowd)).toEqual(['two', 'two', 'two']);
  reads[2]?.done('three');
  expect(await later).toBe('three');
});

test('nothing is kept: who asks when nobody reads is answered by a read of their own', async () => {
  const { reads, find } = byHand();
  for (const [at, text] of ['one', 'two'].entries()) {
    const asked = find();
    reads[at]?.done(text);
    expect(await asked).toBe(text);
  }
});

test('one read does not wait for that of another key', async () => {
  const { reads, find } = byHand();
  const [a, b] = [find('a'), find('b')];
  expect(reads.map(({ key }) => key)).toEqual(['a', 'b']);
  reads[1]?.done('of b');
  expect(await b).toBe('of b');
  reads[0]?.done('of a');
  expect(await a).toBe('of a');
});

test('who waited for the next read hears nothing of the one that failed', async () => {
  const { reads, find } = byHand();
  const failing = expect(find()).rejects.toThrow('away');
  const next = find();
  reads[0]?.failed(new Error('away'));
  await failing;
  reads[1]?.done('two');
  expect(await next).toBe('two');
});
