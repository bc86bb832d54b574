import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, test } from 'vitest';
import { Batches, TooManyWait } from './batches.ts';

const most = { batchMax: 100, waitingMax: 3 };

test('a batch is handled for nobody in particular: no scope of one who asked lasts longer than their question', async () => {
  const scope = new AsyncLocalStorage<{ deadline: number }>();
  const seen: unknown[] = [];
  const rounds = 5;
  const batches = new Batches<number, number>(async (batch) => {
    seen.push(scope.getStore());
    // Somebody asks during each batch, so that the loop never comes to rest.
    if (seen.length < rounds) void ask(seen.length);
    return batch;
  }, most);
  const ask = (round: number): Promise<number> =>
    scope.run({ deadline: round }, async () => {
      const answer = await batches.add(round);
      // Whoever asked goes on in a scope of their own.
      expect(scope.getStore()).toEqual({ deadline: round });
      return answer;
    });
  expect(await ask(0)).toBe(0);
  await batches.stop();
  expect(seen).toEqual(Array.from({ length: rounds }, () => undefined));
});

test('what finds no room is told so at once', async () => {
  const batches = new Batches<number, number>(async (batch) => batch, most);
  const answers = [1, 2, 3].map((one) => batches.add(one));
  await expect(batches.add(4)).rejects.toThrow(TooManyWait);
  expect(await Promise.all(answers)).toEqual([1, 2, 3]);
});
