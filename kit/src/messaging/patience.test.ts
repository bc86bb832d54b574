import { expect, test } from 'vitest';
import { isServerAway } from '../service/index.ts';
import { until } from '../testing/conditions.ts';
import { deadAtDelivery, queue } from './bus.ts';
import { InProcessBus } from './in-process-bus.ts';
import { outlasting } from './patience.ts';

const things = queue<string>('things.do');
const failing = (code: string) => Object.assign(new Error('it cannot be done'), { code });

/** A bus whose handler fails with this so often, and what it has done in the end. */
function consuming(error: Error, times: number): { bus: InProcessBus; done: string[] } {
  const bus = new InProcessBus({ retryFirstMs: 1 });
  const done: string[] = [];
  let left = times;
  const handler = (batch: readonly { message: string }[]) => {
    if (left-- > 0) throw error;
    done.push(...batch.map(({ message }) => message));
    return Promise.resolve();
  };
  const patience = { isAway: isServerAway, firstMs: 1, maxMs: 1 };
  bus.consume(
    things,
    outlasting(async (batch) => handler(batch), patience),
  );
  return { bus, done };
}

test.each(['ECONNREFUSED', '53100', '57P03'])(
  'a message outlasts a server that is away for longer than retries last: %s',
  async (code) => {
    const { bus, done } = consuming(failing(code), 3 * deadAtDelivery);
    await bus.publish(things, ['a', 'b']);
    await until('both are done', () => done.length === 2);
    expect(await bus.deadLetters()).toEqual([]);
    await bus.close();
  },
);

test.each(['57P02', '22P02'])('what may be the fault of the message is counted: %s', async (code) => {
  const { bus } = consuming(failing(code), Infinity);
  await bus.publish(things, ['a']);
  await until('it is set aside', async () => (await bus.deadLetters()).length === 1);
  await bus.close();
});
