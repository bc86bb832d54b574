import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { busContract } from '../testing/bus-contract.ts';
import { gate, until } from '../testing/conditions.ts';
import { InProcessBus, queue, QueueFull, type Delivery } from './index.ts';

busContract('The in-process bus', () => {
  const bus = new InProcessBus({ retryFirstMs: 10 });
  return Promise.resolve({ bus, close: () => bus.close() });
});

describe('The in-process bus', () => {
  const numbers = queue<number>('numbers');
  let bus: InProcessBus;
  beforeEach(() => {
    // Fixed: the whole of every delay, not a random part of it.
    bus = new InProcessBus({ random: () => 1, deadLettersMax: 3 });
  });
  afterEach(async () => {
    vi.useRealTimers();
    await bus.close();
  });

  const collect = (...into: number[][]) => {
    const batches = into;
    bus.consume(numbers, (batch) => {
      batches.push(batch.map(({ message }) => message));
      return Promise.resolve();
    });
    return batches;
  };
  const turn = () => new Promise((next) => setImmediate(next));

  test('delivers what one turn of the event loop brought as one batch, at the end of that turn', async () => {
    const batches = collect();
    await bus.publish(numbers, [1, 2]);
    await bus.publish(numbers, [3]);
    expect(batches).toEqual([]);
    await turn();
    expect(batches).toEqual([[1, 2, 3]]);
  });

  test('keeps the order of what did not fail', async () => {
    const batches = collect();
    for (let at = 0; at < 100; at++) await bus.publish(numbers, [at]);
    await until('all have arrived', () => batches.flat().length === 100);
    expect(batches.flat()).toEqual(Array.from({ length: 100 }, (_, at) => at));
  });

  test('gives a consumer nothing once it was stopped, not even what the same turn brought', async () => {
    const batches: unknown[] = [];
    const { stop } = bus.consume(numbers, (batch) => {
      batches.push(batch);
      return Promise.resolve();
    });
    await bus.publish(numbers, [1]);
    await stop();
    await turn();
    expect(batches).toEqual([]);
    expect(bus.depths().get('numbers')).toBe(1);
  });

  test('has one consumer per queue: a second is a mistake in the wiring', () => {
    collect();
    expect(() => collect()).toThrow('The queue numbers has a consumer.');
  });

  test('refuses a list as a whole, also one longer than a frame', async () => {
    const stuck = gate();
    bus.consume(numbers, () => stuck.pass(), { waitingMax: 1_000 });
    const list = (length: number) => Array.from({ length }, () => 0);
    await bus.publish(numbers, list(300));
    await expect(bus.publish(numbers, list(701))).rejects.toBeInstanceOf(QueueFull);
    expect(bus.depths()).toEqual(new Map([['numbers', 300]]));
    await bus.publish(numbers, list(700));
    stuck.open();
  });

  test('counts what is in flight and what is to be tried again as load, so that failing makes no room', async () => {
    const failed = gate();
    const { stop } = bus.consume(
      numbers,
      async () => {
        await failed.pass();
        throw new Error('no');
      },
      { waitingMax: 2 },
    );
    await bus.publish(numbers, [1, 2]);
    await failed.reached;
    await expect(bus.publish(numbers, [3])).rejects.toBeInstanceOf(QueueFull);
    failed.open();
    await stop();
    await expect(bus.publish(numbers, [3])).rejects.toBeInstanceOf(QueueFull);
    expect(bus.depths().get('numbers')).toBe(2);
  });

  test('forgets a queue that nobody consumes any more and that holds nothing', async () => {
    const { stop } = bus.consume(numbers, () => Promise.resolve());
    await bus.publish(numbers, [1]);
    await until('it is done', () => bus.depths().get('numbers') === 0);
    await stop();
    expect([...bus.depths().keys()]).toEqual([]);
  });

  test('keeps the newest dead letters and counts those it dropped', async () => {
    bus.consume(numbers, (batch) =>
      Promise.resolve(batch.map(({ message }) => ({ dead: `number ${message}` }))),
    );
    await bus.publish(numbers, [1, 2, 3, 4, 5]);
    await until('all are set aside', () => bus.depths().get('numbers') === 0);
    expect((await bus.deadLetters()).map(({ reason }) => reason)).toEqual([
      'number 3',
      'number 4',
      'number 5',
    ]);
    expect(bus.deadLettersDropped).toBe(2);
  });

  test('keeps the dead letters when the queue has no room for them', async () => {
    const { stop } = bus.consume(numbers, (batch) => Promise.resolve(batch.map(() => ({ dead: 'no' }))), {
      waitingMax: 2,
    });
    await bus.publish(numbers, [1, 2]);
    await until('both are set aside', async () => (await bus.deadLetters()).length === 2);
    await stop();
    await bus.publish(numbers, [3]);
    await expect(bus.replayDeadLetters('numbers')).rejects.toBeInstanceOf(QueueFull);
    expect((await bus.deadLetters()).map(({ message }) => message)).toEqual([1, 2]);
    expect(await bus.replayDeadLetters('never heard of')).toBe(0);
  });

  test('takes and gives nothing after it was closed, and waits for what is in flight', async () => {
    const working = gate();
    bus.consume(numbers, () => working.pass());
    await bus.publish(numbers, [1]);
    await working.reached;
    let isClosed = false;
    const closing = bus.close().then(() => {
      isClosed = true;
    });
    await turn();
    expect(isClosed).toBe(false);
    await expect(bus.publish(numbers, [2])).rejects.toThrow('The bus is closed.');
    expect(() => collect()).toThrow('The bus is closed.');
    working.open();
    await closing;
  });

  describe('in time', () => {
    const settle = async (ms: number) => {
      await vi.advanceTimersByTimeAsync(ms);
      await turn();
      await turn();
    };
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    });

    test('tries again later each time, for longer than a database takes to restart', async () => {
      const at: number[] = [];
      bus.consume(numbers, () => {
        at.push(Date.now());
        throw new Error('the database is away');
      });
      const startedAt = Date.now();
      await bus.publish(numbers, [1]);
      for (let ms = 0; ms < 12_000; ms += 50) await settle(50);
      expect(at.map((ms) => Math.floor((ms - startedAt) / 100) * 100)).toEqual([0, 100, 500, 2_100, 8_500]);
      expect((await bus.deadLetters()).map(({ reason }) => reason)).toEqual(['the database is away']);
    });

    test('a handler that comes too late and throws does not put its batch on the queue once more', async () => {
      const deliveries: number[] = [];
      const late: (() => void)[] = [];
      const handler = (batch: readonly Delivery<number>[]) => {
        for (const one of batch) deliveries.push(one.deliveries);
        return new Promise<void>((resolve, reject) => {
          if (deliveries.length < 3) late.push(() => reject(new Error('late')));
          else resolve();
        });
      };
      bus.consume(numbers, handler, { ackWaitMs: 1_000 });
      await bus.publish(numbers, [1]);
      for (let ms = 0; ms < 3_000; ms += 500) await settle(500);
      for (const reject of late) reject();
      for (let ms = 0; ms < 60_000; ms += 500) await settle(500);
      expect(deliveries).toEqual([1, 2, 3]);
      expect(bus.depths().get('numbers')).toBe(0);
    });

    test('a handler that never settles is not asked for ever, and its place is free for others', async () => {
      const others: number[] = [];
      bus.consume(
        numbers,
        (batch) => {
          for (const { message } of batch) if (message !== 13) others.push(message);
          return batch.some(({ message }) => message === 13) ? new Promise(() => {}) : Promise.resolve();
        },
        { ackWaitMs: 1_000 },
      );
      await bus.publish(numbers, [13]);
      for (let ms = 0; ms < 6_000; ms += 100) await settle(100);
      expect(await bus.deadLetters()).toMatchObject([
        { message: 13, reason: 'It was not settled within 1000 ms.' },
      ]);
      await bus.publish(numbers, [1]);
      await settle(0);
      expect(others).toEqual([1]);
    });
  });
});
