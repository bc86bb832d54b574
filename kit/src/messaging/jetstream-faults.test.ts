import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startProgram } from '../service/index.ts';
import { gate, until } from '../testing/conditions.ts';
import { startNats, type NatsServer } from '../testing/nats.ts';
import type { Queue } from './index.ts';
import type { JetStreamBus } from './jetstream.ts';
import { BrokerStage, watching } from './jetstream.fixture.ts';
import { frameBytesMax } from './jetstream-frames.ts';
import { streamOf } from './jetstream-streams.ts';

let server: NatsServer;
let stage: BrokerStage;
beforeEach(async () => {
  server = await startNats();
  stage = await BrokerStage.at(server.url);
});
afterEach(async () => {
  await stage.close();
  await server.stop();
});

/** As a sender does that was not told it arrived. */
async function insist(bus: JetStreamBus, to: Queue<string>, message: string): Promise<void> {
  await until(`${message} is taken`, () =>
    bus.publish(to, [message]).then(
      () => true,
      () => false,
    ),
  );
}

describe('The JetStream bus, where something breaks', () => {
  /** A process of its own that holds what came to it so often, and is killed when it does. */
  async function doomedWith(things: Queue<string>, holdsFromDelivery: number, holds: string): Promise<void> {
    const fixture = path.join(import.meta.dirname, 'jetstream-consumer.fixture.ts');
    let said = '';
    const doomed = startProgram(
      process.execPath,
      [fixture, server.url, things.name, String(holdsFromDelivery)],
      { onOutput: (text) => (said += text) },
    );
    await until('it has taken them', () => said.includes(holds), 30_000);
    await doomed.stop('SIGKILL');
  }

  test('what a process whose clock is an hour ahead puts off comes again when it has waited, not an hour later', async () => {
    const things = stage.queue();
    const bus = await stage.bus();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });
    const asked = gate();
    const consumer = bus.consume(things, (batch) => {
      void asked.pass();
      return Promise.resolve(batch.map(() => ({ retryAfterMs: 200 })));
    });
    await bus.publish(things, ['later']);
    await asked.reached;
    await consumer.stop();
    vi.useRealTimers();
    const seen = watching(bus, things);
    await until('it comes again', () => seen.all().includes('later'));
  });

  test('what a process died with is delivered to the next one, and says it came before', async () => {
    const things = stage.queue();
    const bus = await stage.bus({ brokerAckWaitMs: 1_000 });
    await bus.publish(things, ['a', 'b']);
    await doomedWith(things, 1, '["a","b"]');
    const seen = watching(bus, things);
    await until('they come again', () => seen.all().length === 2);
    expect([...seen.deliveriesOf('a'), ...seen.deliveriesOf('b')]).toEqual([2, 2]);
  });

  test('how often a message failed is known to the process after the one that tried', async () => {
    const things = stage.queue();
    const bus = await stage.bus({ brokerAckWaitMs: 1_000 });
    await bus.publish(things, ['a', 'b']);
    await doomedWith(things, 3, '["a"]');
    const seen = watching(bus, things);
    await until('both come', () => seen.all().length === 2);
    expect(Math.min(...seen.deliveriesOf('a'), ...seen.deliveriesOf('b'))).toBeGreaterThanOrEqual(3);
    for (const batch of seen.batches) expect(batch).toHaveLength(1);
  });

  test('what processes die of is set aside alone, however much was in their hands', async () => {
    const things = stage.queue();
    const bus = await stage.bus();
    const healthy = Array.from({ length: 40 }, (_, at) => `healthy ${at}`);
    await bus.publish(things, [...healthy.slice(0, 10), 'poison', ...healthy.slice(10, 20)]);
    for (const name of healthy.slice(20)) await bus.publish(things, [name]);
    const fixture = path.join(import.meta.dirname, 'jetstream-consumer.fixture.ts');
    let said = '';
    let died = 0;
    const isDead = async () => (await bus.deadLetters()).length > 0;
    while (died < 10 && !(await isDead())) {
      const doomed = startProgram(process.execPath, [fixture, server.url, things.name, '1', 'poison'], {
        onOutput: (text) => (said += text),
      });
      let hasEnded = false;
      void doomed.ended.then(() => (hasEnded = true));
      await until('it died or has set something aside', async () => hasEnded || (await isDead()), 20_000);
      died++;
      await doomed.stop();
    }
    const rest = watching(bus, things);
    const isDone = (name: string) => said.includes(`"${name}"`) || rest.all().includes(name);
    await until('the others are done', () => healthy.every(isDone), 20_000);
    expect((await bus.deadLetters()).map(({ message }) => message)).toEqual(['poison']);
    expect(died).toBeGreaterThan(2);
  });

  test('a server that is killed and comes back is used again, without anybody being told', async () => {
    const things = stage.queue();
    const [sender, receiver] = [await stage.bus(), await stage.bus()];
    const seen = watching(receiver, things);
    await sender.publish(things, ['before']);
    await until('it arrives', () => seen.all().includes('before'));
    await server.kill();
    const during = insist(sender, things, 'during');
    await server.restart();
    await during;
    await insist(sender, things, 'after');
    await until('what was sent since arrives', () =>
      ['during', 'after'].every((name) => seen.all().includes(name)),
    );
  });

  test('a publish fails in time when the server stays away, and says so', async () => {
    const things = stage.queue();
    const bus = await stage.bus({ publishWithinMs: 300 });
    await insist(bus, things, 'before');
    await server.kill();
    await expect(bus.publish(things, ['lost'])).rejects.toThrow(
      `Publishing to the queue ${things.name} failed.`,
    );
    await server.restart();
  });

  test('a bus closes in time also when the server is away', async () => {
    const things = stage.queue();
    const bus = await stage.bus();
    const seen = watching(bus, things);
    await bus.publish(things, ['a']);
    await until('it arrives', () => seen.all().includes('a'));
    await server.kill();
    const startedAt = Date.now();
    await bus.close();
    expect(Date.now() - startedAt).toBeLessThan(5_000);
    await server.restart();
  });

  test('a batch that is in flight while the server is away settles afterwards', async () => {
    const things = stage.queue();
    const bus = await stage.bus({ brokerAckWaitMs: 1_000 });
    const working = gate();
    const seen = watching(bus, things, (batch) =>
      batch[0]?.message === 'a' && batch[0].deliveries === 1 ? working.pass() : Promise.resolve(),
    );
    await bus.publish(things, ['a']);
    await working.reached;
    await server.kill();
    await server.restart();
    working.open();
    await insist(bus, things, 'b');
    await until('the next one arrives', () => seen.all().includes('b'));
    await until('the stream is empty', async () => {
      const { state } = await stage.manager.streams.info(streamOf(things.name));
      return state.messages === 0;
    });
  });

  test('a stream that somebody deletes is made again, with its consumer: later messages flow', async () => {
    const things = stage.queue();
    const bus = await stage.bus();
    const seen = watching(bus, things);
    await bus.publish(things, ['before']);
    await until('it arrives', () => seen.all().includes('before'));
    await stage.manager.streams.delete(streamOf(things.name));
    await insist(bus, things, 'after');
    await until('it arrives', () => seen.all().includes('after'));
  });

  test('a consumer that somebody deletes is made again, and nothing is lost by it', async () => {
    const things = stage.queue();
    const bus = await stage.bus();
    const seen = watching(bus, things);
    await bus.publish(things, ['before']);
    await until('it arrives', () => seen.all().includes('before'));
    const stream = streamOf(things.name);
    await stage.manager.consumers.delete(stream, things.name.replaceAll('.', '_'));
    await bus.publish(things, ['after']);
    await until('it arrives', () => seen.all().includes('after'));
  });

  test('what is too large for a dead letter with its reason is set aside without its end', async () => {
    const things = stage.queue();
    const bus = await stage.bus();
    watching(bus, things, (batch) => Promise.resolve(batch.map(() => ({ dead: 'it makes no sense' }))));
    await bus.publish(things, []);
    await insist(bus, things, 'small');
    // As much as the stream takes; inside of a letter each of these is two.
    const huge = '"'.repeat(2 * frameBytesMax);
    expect((await stage.connection.request(things.name, huge, { timeout: 5_000 })).string()).not.toMatch(
      'error',
    );
    await until('both are set aside', async () => (await bus.deadLetters()).length === 2);
    const kept = (await bus.deadLetters()).map(({ message }) => message);
    expect(kept).toEqual(expect.arrayContaining(['small', expect.stringMatching(/^\S{1000}/)]));
  });

  test('a server that lost its whole disk is furnished again', async () => {
    const [things, others] = [stage.queue(), stage.queue()];
    const bus = await stage.bus({ streams: [streamOf(others.name)] });
    const seen = watching(bus, things);
    await bus.publish(things, ['before']);
    await until('it arrives', () => seen.all().includes('before'));
    await server.kill();
    await rm(server.storeDir, { recursive: true });
    await server.restart();
    await insist(bus, things, 'after');
    await until('it arrives', () => seen.all().includes('after'));
    await until('the streams of this process are there', () =>
      stage.manager.streams.info(streamOf(others.name)).then(
        () => true,
        () => false,
      ),
    );
  });

  test('what is acknowledged late is not taken for another frame of a stream that was made anew', async () => {
    const things = stage.queue();
    const bus = await stage.bus();
    const [old, young] = [gate(), gate()];
    const seen = watching(
      bus,
      things,
      ([first]) =>
        first?.message === 'old' ? old.pass() : first?.message === 'new' ? young.pass() : Promise.resolve(),
      { batchMax: 1, inFlightMax: 2 },
    );
    await bus.publish(things, ['old']);
    await old.reached;
    await stage.manager.streams.delete(streamOf(things.name));
    await insist(bus, things, 'new');
    await young.reached;
    old.open();
    await bus.publish(things, ['marker']);
    await until('the old one has settled', () => seen.all().includes('marker'));
    const frames = async () => (await stage.manager.streams.info(streamOf(things.name))).state.messages;
    await until('the marker is done', async () => (await frames()) <= 1);
    expect(await frames()).toBe(1);
    young.open();
    await until('so is the new one', async () => (await frames()) === 0);
  });
});
