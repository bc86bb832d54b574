import { InProcessBus } from '@tutti/kit/messaging';
import { answerQueue, startQueue, type AnswerMessage, type StartMessage } from '@tutti/kit/saga';
import { createLog } from '@tutti/kit/service';
import { until } from '@tutti/kit/testing';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Effects, type Effect, type EffectResult } from './effects.ts';

const effect: Effect = {
  saga: 'some-saga',
  fan: 'fan',
  route: 'POST /things',
  key: 'k',
  fingerprint: 'f',
  input: {},
  traceId: 't',
  waitMs: 10_000,
};
let bus: InProcessBus;
let effects: Effects;
let starts: StartMessage[];

beforeEach(() => {
  // Time is the test's; what brings messages goes on by itself.
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] });
  bus = new InProcessBus();
  effects = new Effects(bus, createLog('silent'));
  starts = [];
  bus.consume(startQueue, (batch) => {
    starts.push(...batch.map(({ message }) => message));
    return Promise.resolve();
  });
});
afterEach(async () => {
  vi.useRealTimers();
  await effects.stop();
  await bus.close();
});

type Said = AnswerMessage extends infer One
  ? One extends AnswerMessage
    ? Omit<One, 'id' | 'operation'>
    : never
  : never;

const startsCame = (count: number): Promise<void> =>
  until(`${count} starts came`, () => {
    if (starts.length >= count) return true;
    vi.advanceTimersByTime(100);
    return false;
  });

/** What the sagas say to the last start; resolves when the gateway has heard it. */
async function say(said: Said): Promise<void> {
  const last = starts.at(-1);
  if (!last) throw new Error('Nothing was started.');
  await bus.publish(answerQueue(last.replyTo), [{ id: last.id, operation: last.id, ...said }]);
  await until('it is heard', () => bus.depths().get(last.replyTo) === 0);
}

const answer: Said = { kind: 'answer', answer: { status: 201, body: '{}' }, replayed: false };

test('a start is repeated until it is answered, also when it was stored: another driver may have it by then', async () => {
  const result = effects.run(effect);
  await startsCame(1);
  await say({ kind: 'stored' });
  await startsCame(2);
  const [first, second] = starts;
  expect(second).toEqual({ ...first, sentAt: (first?.sentAt ?? 0) + 1_000 });
  await say(answer);
  expect(await result).toMatchObject({ kind: 'answer', answer: { status: 201 } });
});

test('no room for the first is an answer; no room for a repetition is none, for the first may be on its way', async () => {
  const refused = effects.run(effect);
  await startsCame(1);
  await say({ kind: 'overloaded' });
  expect(await refused).toMatchObject({ kind: 'overloaded' });

  let told: EffectResult | undefined;
  const result = effects.run({ ...effect, key: 'another' }).then((one) => (told = one));
  await startsCame(3);
  await say({ kind: 'overloaded' });
  expect(told).toBeUndefined();
  await say(answer);
  expect(await result).toMatchObject({ kind: 'answer' });
});
