import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { busContract } from '../testing/bus-contract.ts';
import { gate, until } from '../testing/conditions.ts';
import { startNats, type NatsServer } from '../testing/nats.ts';
import { queue, QueueFull } from './index.ts';
import { deadLettersAt } from './jetstream.ts';
import { BrokerStage, watching } from './jetstream.fixture.ts';
import { streamOf } from './jetstream-streams.ts';

let server: NatsServer;
let stage: BrokerStage;
beforeAll(async () => {
  server = await startNats();
  stage = await BrokerStage.at(server.url);
});
afterAll(async () => {
  await stage.close();
  await server.stop();
});

busContract('The JetStream bus', async () => ({ bus: await stage.bus(), close: () => stage.clear() }), {
  deliversAtOnce: false,
});

describe('The JetStream bus', () => {
  afterEach(() => stage.clear());

  const poisonous =
    (poison: string) =>
    (batch: readonly { message: string }[]): Promise<void> =>
      batch.some(({ message }) => message === poison)
        ? Promise.reject(new Error('cannot be eaten'))
        : Promise.resolve();

  test('sends a list as few frames, none larger than the limits', async () => {
    const things = stage.queue();
    const bus = await stage.bus();
    const sent = Array.from({ length: 40 }, (_, at) => `${at} ${'x'.repeat(20_000)}`);
    await bus.publish(things, sent);
    const { state } = await stage.manager.streams.info(streamOf(things.name));
    expect(state.messages).toBe(4);
    const seen = watching(bus, things);
    await until('all have arrived', () => new Set(seen.all()).size === sent.length);
    await expect(bus.publish(things, ['y'.repeat(300_000)])).rejects.toThrow('a frame holds at most 262144');
  });

  test('acknowledges a frame when all of it is done, and not before', async () => {
    const things = stage.queue();
    const bus = await stage.bus();
    const second = gate();
    watching(bus, things, (batch) => (batch[0]?.message === 'b' ? second.pass() : Promise.resolve()), {
      batchMax: 1,
    });
    await bus.publish(things, ['a', 'b']);
    await second.reached;
    const frames = async () => (await stage.manager.streams.info(streamOf(things.name))).state.messages;
    expect(await frames()).toBe(1);
    second.open();
    await until('the frame is off the stream', async () => (await frames()) === 0);
  });

  test('a poisonous message is found out; the rest of its frame flows while it is tried again', async () => {
    const things = stage.queue();
    const bus = await stage.bus({ retryFirstMs: 100 });
    const handled: string[] = [];
    const seen = watching(bus, things, async (batch) => {
      await poisonous('poison')(batch);
      handled.push(...batch.map(({ message }) => message));
    });
    await bus.publish(things, ['a', 'poison', 'b']);
    await until('the others are done', () => ['a', 'b'].every((name) => handled.includes(name)));
    expect(await bus.deadLetters()).toEqual([]);
    await until('it is set aside', async () => (await bus.deadLetters()).length > 0, 30_000);
    expect(seen.deliveriesOf('poison')).toEqual([1, 2, 3, 4, 5]);
    expect(handled.toSorted()).toEqual(['a', 'b']);
    await until('the server has told of them', () => {
      const { deadLetters, waiting } = bus.stats().get(things.name) ?? {};
      return deadLetters === 1 && waiting === 0;
    });
    // Twice all three, then each alone, and the poisonous one twice more.
    expect(bus.stats().get(things.name)).toEqual({
      published: 3,
      delivered: 11,
      redelivered: 8,
      failed: 9,
      setAside: 1,
      waiting: 0,
      deadLetters: 1,
    });
  });

  test('an operator lists and replays dead letters with a connection alone', async () => {
    const [things, others] = [stage.queue(), stage.queue()];
    const bus = await stage.bus();
    let isHealed = false;
    const verdict = (batch: readonly unknown[]) =>
      Promise.resolve(isHealed ? undefined : batch.map(() => ({ dead: 'no such thing' })));
    const seen = watching(bus, things, verdict);
    watching(bus, others, verdict);
    await bus.publish(others, ['c']);
    await until('the older one is set aside', async () => (await bus.deadLetters()).length === 1);
    await bus.publish(things, ['a', 'b']);
    await until('they are set aside', async () => (await bus.deadLetters()).length === 3);
    isHealed = true;
    const tool = { servers: server.url, name: 'tool' };
    expect(await deadLettersAt(tool, (letters) => letters.list(things.name))).toMatchObject([
      { queue: things.name, message: 'a', reason: 'no such thing' },
      { queue: things.name, message: 'b', reason: 'no such thing' },
    ]);
    expect(await deadLettersAt(tool, (letters) => letters.replay(things.name))).toBe(2);
    await until('they come again', () => seen.all().length === 4);
    expect(await bus.deadLetters()).toMatchObject([{ queue: others.name, message: 'c' }]);
  });

  test('what has to come again and finds no room stays where it is, and what is done beside it is not done again', async () => {
    const things = stage.queue();
    const bus = await stage.bus();
    const seen = watching(
      bus,
      things,
      (batch) => {
        const times = seen.deliveriesOf('b').length;
        if (times === 2) throw new Error('for once');
        return Promise.resolve(
          batch.map(({ message }) => (message === 'b' && times < 4 ? { retryAfterMs: 10 } : 'done')),
        );
      },
      { waitingMax: 1 },
    );
    await bus.publish(things, ['a', 'b']);
    await expect(bus.publish(things, ['c'])).rejects.toBeInstanceOf(QueueFull);
    await until('it is off the stream', async () => {
      const { state } = await stage.manager.streams.info(streamOf(things.name));
      return state.messages === 0;
    });
    expect(seen.deliveriesOf('a')).toEqual([1]);
    expect(seen.deliveriesOf('b')).toEqual([1, 2, 3, 4]);
    expect(await bus.deadLetters()).toEqual([]);
  });

  test('replicas of a service share a queue', async () => {
    const things = stage.queue();
    const [left, right] = [await stage.bus(), await stage.bus()];
    const halves = [left, right].map((bus) =>
      watching(bus, things, () => new Promise((next) => setImmediate(next)), { batchMax: 4 }),
    );
    const names = Array.from({ length: 400 }, (_, at) => `message ${at}`);
    const all = () => halves.flatMap((half) => half.all());
    await Promise.all(names.map((name) => left.publish(things, [name])));
    await until('all have arrived', () => all().length >= names.length);
    expect(all().toSorted()).toEqual(names.toSorted());
    for (const half of halves) expect(half.all()).not.toEqual([]);
  });

  test('what is no frame of ours is set aside, and harms nothing', async () => {
    const things = stage.queue();
    const bus = await stage.bus();
    const seen = watching(bus, things);
    await bus.publish(things, ['before']);
    stage.connection.publish(things.name, 'rubbish');
    await bus.publish(things, ['after']);
    await until('the others arrive', () => seen.all().length === 2);
    await until('it is set aside', async () => (await bus.deadLetters()).length === 1);
    expect(await bus.deadLetters()).toMatchObject([
      { message: 'rubbish', reason: 'It is not a frame of messages.' },
    ]);
  });

  test('a full stream refuses a frame and takes nothing of it', async () => {
    const things = stage.queue();
    const bus = await stage.bus({ streamBytesMax: 300_000 });
    const text = 'x'.repeat(100_000);
    await bus.publish(things, [text]);
    await bus.publish(things, [text]);
    const before = await stage.manager.streams.info(streamOf(things.name));
    await expect(bus.publish(things, [text, 'small'])).rejects.toBeInstanceOf(QueueFull);
    const after = await stage.manager.streams.info(streamOf(things.name));
    expect(after.state.messages).toBe(before.state.messages);
    const seen = watching(bus, things);
    await until('there is room again', () =>
      bus.publish(things, ['later']).then(
        () => true,
        () => false,
      ),
    );
    await until('it flows again', () => seen.all().includes('later'));
    expect(seen.all()).not.toContain('small');
  });

  test('a list of which a part was taken is not called refused', async () => {
    const things = stage.queue();
    const bus = await stage.bus({ streamBytesMax: 300_000 });
    const list = Array.from({ length: 6 }, () => 'x'.repeat(100_000));
    const failure: unknown = await bus.publish(things, list).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Error);
    expect(failure).not.toBeInstanceOf(QueueFull);
    expect(String(failure)).toContain('took a part of the messages');
  });

  test('what a stopped consumer had not begun is given to another process at once', async () => {
    const things = stage.queue();
    const [left, right] = [await stage.bus(), await stage.bus()];
    const inFlight = gate();
    const first = watching(left, things, () => inFlight.pass(), { batchMax: 2 });
    await left.publish(things, ['a', 'b', 'c', 'd']);
    await inFlight.reached;
    await left.publish(things, ['e']);
    const stopping = first.stop();
    const second = watching(right, things);
    // The server waits 30 s for what it was not told of.
    await until('the rest is there', () => new Set(second.all()).size === 3, 5_000);
    inFlight.open();
    await stopping;
    expect(first.all()).toEqual(['a', 'b']);
    expect(second.all().toSorted()).toEqual(['c', 'd', 'e']);
  });

  test('what is worked on for longer than the server waits is not delivered again, nor what waits behind it', async () => {
    const things = stage.queue();
    const brokerAckWaitMs = 3_000;
    const [left, right] = [await stage.bus({ brokerAckWaitMs }), await stage.bus({ brokerAckWaitMs })];
    const working = gate();
    const first = watching(left, things, (batch) =>
      batch[0]?.message === 'long' ? working.pass() : Promise.resolve(),
    );
    await left.publish(things, ['long']);
    await working.reached;
    await left.publish(things, ['behind']);
    const startedAt = Date.now();
    const second = watching(right, things);
    await until(
      'the wait is over, and half as long again',
      () => Date.now() - startedAt > 1.5 * brokerAckWaitMs,
    );
    working.open();
    await until('the one behind is done', () => first.all().includes('behind'));
    expect(second.all()).toEqual([]);
    expect(first.all()).toEqual(['long', 'behind']);
  });

  test('a queue of a process that comes and goes is forgotten by the server, a lasting one is not', async () => {
    const bus = await stage.bus();
    const lasting = stage.queue();
    const passing = queue<string>(`${streamOf(lasting.name)}.replies.0b5a7d54-9b0c-4f0e-8d83-6a2f4b1c9e11`);
    watching(bus, lasting);
    watching(bus, passing);
    await bus.publish(lasting, ['a']);
    await bus.publish(passing, ['b']);
    const infos = await stage.manager.consumers.list(streamOf(lasting.name)).next();
    const thresholds = new Map(
      infos.map(({ config }) => [config.filter_subject, config.inactive_threshold ?? 0]),
    );
    expect(thresholds.get(lasting.name)).toBe(0);
    expect(thresholds.get(passing.name)).toBe(600_000_000_000);
  });

  test('refuses names that cannot be queues, and everything after it was closed', async () => {
    const bus = await stage.bus();
    const named = (name: string) => bus.publish(queue<string>(name), ['a']);
    await expect(named('a b.c')).rejects.toThrow('cannot name a queue');
    await expect(named('a.*')).rejects.toThrow('cannot name a queue');
    await expect(named('dead.letters')).rejects.toThrow('the dead letters are there');
    const things = stage.queue();
    watching(bus, things);
    expect(() => bus.consume(things, () => Promise.resolve())).toThrow('has a consumer');
    await bus.close();
    await bus.close();
    await expect(bus.publish(things, ['a'])).rejects.toThrow('The bus is closed.');
    expect(() => bus.consume(things, () => Promise.resolve())).toThrow('The bus is closed.');
  });
});
