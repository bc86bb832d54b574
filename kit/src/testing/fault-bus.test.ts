import { afterEach, describe, expect, test } from 'vitest';
import { InProcessBus, queue, QueueFull, type Bus } from '../messaging/index.ts';
import { busContract } from './bus-contract.ts';
import { gate, until } from './conditions.ts';
import { FaultBus, randomFrom, type FaultOptions } from './fault-bus.ts';

busContract('A fault bus without faults', () => {
  const bus = new FaultBus(new InProcessBus({ retryFirstMs: 10 }), { seed: 1 });
  return Promise.resolve({ bus, close: () => bus.close() });
});

describe('A fault bus', () => {
  const numbers = queue<number>('numbers');
  const open: Bus[] = [];
  const make = (options: FaultOptions) => {
    const bus = new FaultBus(new InProcessBus(), options);
    open.push(bus);
    const arrived: number[] = [];
    const consumer = bus.consume(numbers, (batch) => {
      for (const { message } of batch) arrived.push(message);
      return Promise.resolve();
    });
    return { bus, arrived, consumer };
  };
  afterEach(async () => {
    for (const bus of open.splice(0)) await bus.close();
  });
  const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);

  test('loses what it is told to lose, and says it took it', async () => {
    const { bus, arrived } = make({ seed: 1, lose: 1 });
    await bus.publish(numbers, [1, 2]);
    await bus.heal();
    await bus.publish(numbers, [3]);
    await until('what came after healing arrives', () => arrived.includes(3));
    expect(arrived).toEqual([3]);
    expect(bus.counts.lost).toBe(2);
  });

  test('loses single messages of a frame too', async () => {
    const { bus, arrived } = make({ seed: 7, lose: 0.3 });
    for (let at = 0; at < 100; at += 10) await bus.publish(numbers, upTo(10));
    await until('the rest arrives', () => arrived.length === 100 - bus.counts.lost);
    expect(bus.counts.lost % 10).not.toBe(0);
    expect(bus.counts.lost).toBeGreaterThan(10);
  });

  test('duplicates messages and whole frames, and the frame comes again later', async () => {
    const { bus, arrived } = make({ seed: 1, duplicate: 1, delayMaxMs: 60_000 });
    await bus.publish(numbers, [1, 2]);
    await until('each comes twice at once', () => arrived.length === 4);
    await bus.heal();
    await until('and twice later', () => arrived.length === 8);
    expect(bus.counts.duplicated).toBe(2 + 4);
  });

  test('delays until the time has come, or until it is healed', async () => {
    const soon = make({ seed: 1, delay: 1, delayMaxMs: 20 });
    await soon.bus.publish(numbers, [1]);
    await until('it arrives late', () => soon.arrived.includes(1));
    const late = make({ seed: 1, delay: 1, delayMaxMs: 60_000 });
    await late.bus.publish(numbers, [1]);
    expect(late.bus.counts.delayed).toBe(1);
    await late.bus.heal();
    await until('healing releases it', () => late.arrived.includes(1));
  });

  test('lets a frame be overtaken by the next one, and shuffles it', async () => {
    const { bus, arrived } = make({ seed: 3, reorder: 0.5, delayMaxMs: 60_000 });
    for (let frame = 0; frame < 20; frame++)
      await bus.publish(
        numbers,
        [0, 1, 2].map((at) => frame * 3 + at),
      );
    await bus.heal();
    await until('all have arrived', () => arrived.length === 60);
    expect(arrived.toSorted((a, b) => a - b)).toEqual(upTo(60));
    expect(arrived).not.toEqual(upTo(60));
    expect(bus.counts.reordered).toBeGreaterThan(0);
    const overtaken = arrived.filter((number, at) =>
      arrived.slice(0, at).some((before) => before >= number + 3),
    );
    expect(overtaken.length).toBeGreaterThan(0);
  });

  test('delivers a batch again while its handler is still at work, and stopping waits for both', async () => {
    const bus = new FaultBus(new InProcessBus(), { seed: 1, redeliver: 1 });
    open.push(bus);
    const [first, second] = [gate(), gate()];
    const consumer = bus.consume(numbers, ([delivery]) =>
      (delivery?.deliveries === 1 ? first : second).pass(),
    );
    await bus.publish(numbers, [1]);
    await Promise.all([first.reached, second.reached]);
    let hasStopped = false;
    const stopping = consumer.stop().then(() => {
      hasStopped = true;
    });
    first.open();
    await new Promise((turn) => setImmediate(turn));
    expect(hasStopped).toBe(false);
    second.open();
    await stopping;
    expect(bus.counts.redelivered).toBe(1);
  });

  test('tells its caller of a full queue, but nobody of a full queue met later', async () => {
    const { bus, consumer } = make({ seed: 1, duplicate: 1 });
    await consumer.stop();
    const stuck = gate();
    bus.consume(numbers, () => stuck.pass(), { waitingMax: 2 });
    await expect(bus.publish(numbers, [1, 2, 3])).rejects.toBeInstanceOf(QueueFull);
    await bus.publish(numbers, [1]);
    await stuck.reached;
    await bus.heal();
    expect(bus.counts.lost).toBe(2);
    stuck.open();
  });

  test('the same seed brings the same faults, another seed others', async () => {
    const faultsOf = async (seed: number) => {
      const { bus } = make({ seed, lose: 0.1, duplicate: 0.1, delay: 0.1, reorder: 0.1, delayMaxMs: 60_000 });
      for (let frame = 0; frame < 50; frame++) await bus.publish(numbers, upTo(5));
      return bus.counts;
    };
    expect(await faultsOf(42)).toEqual(await faultsOf(42));
    expect(await faultsOf(42)).not.toEqual(await faultsOf(43));
  });

  test('its generator is even enough: each tenth of the range is met about as often', () => {
    const random = randomFrom(20_261_122);
    const met = upTo(10).map(() => 0);
    for (let at = 0; at < 10_000; at++) {
      const tenth = Math.floor(random() * 10);
      met[tenth] = (met[tenth] ?? 0) + 1;
    }
    expect(Math.min(...met)).toBeGreaterThan(900);
    expect(Math.max(...met)).toBeLessThan(1_100);
  });
});
