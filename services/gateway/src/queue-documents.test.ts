import { expect, test } from 'vitest';
import { QueueDocuments } from './queue-documents.ts';

/** Documents whose reads are answered by hand, on a clock that is moved by hand. */
function byHand() {
  const reads: { done: (body: string) => void; failed: (error: Error) => void }[] = [];
  let now = 0;
  const documents = new QueueDocuments(
    () => new Promise((done, failed) => reads.push({ done, failed })),
    () => now,
  );
  const bodyAt = async (ms: number) => {
    now = ms;
    return (await documents.find('rehearsal'))?.body;
  };
  return { reads, bodyAt };
}

test('all who ask at once are answered by one read', async () => {
  const { reads, bodyAt } = byHand();
  const asked = [bodyAt(0), bodyAt(0), bodyAt(0)];
  expect(reads).toHaveLength(1);
  reads[0]?.done('one');
  expect(await Promise.all(asked)).toEqual(['one', 'one', 'one']);
  expect(await bodyAt(999)).toBe('one');
  expect(reads).toHaveLength(1);
});

test('a slow read keeps nobody waiting until the last document is two seconds old', async () => {
  const { reads, bodyAt } = byHand();
  const first = bodyAt(0);
  reads[0]?.done('one');
  await first;
  expect(await bodyAt(1_000)).toBe('one');
  expect(await bodyAt(1_999)).toBe('one');
  expect(reads).toHaveLength(2);
  const late = bodyAt(2_000);
  reads[1]?.done('two');
  expect(await late).toBe('two');
});

test('a read that fails beside it harms nobody', async () => {
  const { reads, bodyAt } = byHand();
  const first = bodyAt(0);
  reads[0]?.done('one');
  await first;
  expect(await bodyAt(1_500)).toBe('one');
  reads[1]?.failed(new Error('away'));
  expect(await bodyAt(1_600)).toBe('one');
});
