import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  queue,
  QueueFull,
  type Bus,
  type ConsumeOptions,
  type Delivery,
  type Handler,
  type Queue,
  type Verdict,
} from '../messaging/index.ts';
import { gate, until } from './conditions.ts';

export type BusContractOptions = {
  /** An `ackWaitMs` that this bus keeps exactly enough to be waited for in a test. */
  readonly ackWaitMs?: number;
  /** How long five failed deliveries of one message may take, with everything between them. */
  readonly untilDeadMs?: number;
  /** Whether what was published is at the consumer when `publish` resolves, as where no broker is between them. */
  readonly deliversAtOnce?: boolean;
};

type Message = { readonly name: string };

/**
 * What every `Bus` must do, whatever carries it: nothing here relies on which objects are handed over, on order, or on
 * anything arriving sooner than it does. `make` gives a bus of its own; queue names are new for every test, so that one
 * broker may serve them all.
 */
export function busContract(
  name: string,
  make: () => Promise<{ bus: Bus; close(): Promise<void> }>,
  options: BusContractOptions = {},
): void {
  const { ackWaitMs = 300, untilDeadMs = 30_000, deliversAtOnce = true } = options;

  describe(`${name} keeps the contract of a bus`, () => {
    let bus: Bus;
    let close: () => Promise<void>;
    let letters: Queue<Message>;

    beforeEach(async () => {
      ({ bus, close } = await make());
      letters = newQueue();
    });
    afterEach(() => close());

    const newQueue = <T = Message>(): Queue<T> => queue<T>(`contract.${randomUUID()}`);

    /** Consumes with a handler that is told what happened so far, and notes every delivery. */
    const consuming = (handler: Handler<Message>, consume: ConsumeOptions = {}) => {
      const batches: Delivery<Message>[][] = [];
      const consumer = bus.consume(
        letters,
        (batch) => {
          batches.push(batch.map(({ message, deliveries }) => ({ message, deliveries })));
          return handler(batch);
        },
        consume,
      );
      const deliveriesOf = (wanted: string) =>
        batches.flat().flatMap(({ message, deliveries }) => (message.name === wanted ? [deliveries] : []));
      const times = (wanted: string) => deliveriesOf(wanted).length;
      return { consumer, batches, deliveriesOf, times };
    };

    const publish = (...names: string[]): Promise<void> =>
      bus.publish(
        letters,
        names.map((one) => ({ name: one })),
      );
    const done: Handler<Message> = () => Promise.resolve();
    const includes = (batch: readonly Delivery<Message>[], wanted: string): boolean =>
      batch.some(({ message }) => message.name === wanted);
    /** What was to happen because of earlier messages has happened, as far as a later message can tell. */
    const afterwards = async ({ times }: { times(message: string): number }): Promise<void> => {
      const marker = `marker ${randomUUID()}`;
      await publish(marker);
      await until('the marker arrives', () => times(marker) > 0);
    };

    describe('delivering', () => {
      test('everything that is published arrives, as JSON would bring it', async () => {
        const sent = Array.from({ length: 1_000 }, (_, at) => ({
          at,
          text: 'Übermut “am Pult” 🎻',
          nothing: null,
          deep: { list: [1, { two: 2 }], is: true },
        }));
        const things = newQueue<(typeof sent)[number]>();
        const arrived = new Map<number, unknown>();
        bus.consume(things, (batch) => {
          for (const { message } of batch) arrived.set(message.at, message);
          return Promise.resolve();
        });
        for (let from = 0, frame = 1; from < sent.length; from += frame, frame = (frame * 3) % 47 || 1)
          await bus.publish(things, sent.slice(from, from + frame));
        await until('all have arrived', () => arrived.size === sent.length);
        expect(sent.map(({ at }) => arrived.get(at))).toEqual(sent);
      });

      test('what was published before anybody consumed arrives too', async () => {
        await publish('early');
        const { times } = consuming(done);
        await until('it arrives', () => times('early') > 0);
      });

      test('a frame of nothing is nothing', async () => {
        const seen = consuming(done);
        await publish();
        await afterwards(seen);
        expect(seen.batches.filter((batch) => batch.length === 0)).toEqual([]);
      });

      test('a list longer than a frame arrives whole, in parts that fit', async () => {
        const names = Array.from({ length: 1_300 }, (_, at) => `message ${at}`);
        const { batches } = consuming(done, { batchMax: 512 });
        await publish(...names);
        const arrived = () => new Set(batches.flat().map(({ message }) => message.name));
        await until('all have arrived', () => arrived().size === names.length);
        expect([...arrived()].toSorted()).toEqual(names.toSorted());
        expect(Math.max(...batches.map((batch) => batch.length))).toBeLessThanOrEqual(512);
      });

      test('a handler may publish, also to the queue it consumes', async () => {
        const { times } = consuming(async (batch) => {
          for (const { message } of batch) {
            const left = Number(message.name);
            if (left > 0) await publish(String(left - 1));
          }
        });
        await publish('5');
        await until('the last one arrives', () => times('0') > 0);
      });

      test('a queue whose handler is stuck does not hold up another', async () => {
        const stuck = gate();
        consuming(() => stuck.pass());
        await publish('first');
        await stuck.reached;
        const other = newQueue();
        const arrived: string[] = [];
        bus.consume(other, (batch) => {
          for (const { message } of batch) arrived.push(message.name);
          return Promise.resolve();
        });
        await bus.publish(other, [{ name: 'second' }]);
        await until('the other queue delivers', () => arrived.includes('second'));
        stuck.open();
      });
    });

    describe('natural batching', () => {
      test('one message alone does not wait for company', async () => {
        const { times } = consuming(done, { batchMax: 100 });
        await publish('warm-up');
        await until('the consumer is there', () => times('warm-up') > 0);
        await publish('alone');
        await until('it arrives', () => times('alone') > 0, 5_000);
      });

      test('what arrives while a batch is in flight is the next batch', async () => {
        const first = gate();
        const { batches } = consuming((batch) => (includes(batch, 'first') ? first.pass() : done(batch)));
        await publish('first');
        await first.reached;
        const frames = [...Array.from({ length: 30 }, (_, at) => [`frame ${at}`]), ['e', 'f']];
        for (const names of frames) await publish(...names);
        first.open();
        const rest = () => batches.slice(1);
        await until('the rest arrives', () => rest().flat().length >= frames.flat().length);
        expect(
          rest()
            .flat()
            .map(({ message }) => message.name)
            .toSorted(),
        ).toEqual(frames.flat().toSorted());
        // What a broker is only about to deliver comes in a later one.
        expect(rest().length).toBeLessThan(deliversAtOnce ? 2 : frames.length);
      });

      test('a batch holds at most batchMax messages, be they of one frame or of many', async () => {
        const first = gate();
        const { batches } = consuming((batch) => (includes(batch, 'first') ? first.pass() : done(batch)), {
          batchMax: 4,
        });
        await publish('first');
        await first.reached;
        await publish(...Array.from({ length: 9 }, (_, at) => `framed ${at}`));
        for (let at = 0; at < 6; at++) await publish(`single ${at}`);
        first.open();
        await until(
          'all have arrived',
          () => new Set(batches.flat().map(({ message }) => message.name)).size === 16,
        );
        expect(Math.max(...batches.map((batch) => batch.length))).toBeLessThanOrEqual(4);
      });

      test('up to inFlightMax batches are handled at the same time', async () => {
        const [left, right] = [gate(), gate()];
        const { batches } = consuming(
          (batch) =>
            includes(batch, 'left') ? left.pass() : includes(batch, 'right') ? right.pass() : done(batch),
          { inFlightMax: 2, batchMax: 1 },
        );
        await publish('left', 'right', 'third');
        await Promise.all([left.reached, right.reached]);
        expect(batches).toHaveLength(2);
        right.open();
        await until('the freed place is used', () => batches.length === 3);
        left.open();
      });
    });

    describe('failing', () => {
      test('a batch whose handler throws comes again, and says how often it came', async () => {
        const { deliveriesOf } = consuming((batch) => {
          if (batch.some(({ deliveries }) => deliveries < 3)) throw new Error('not yet');
          return Promise.resolve();
        });
        await publish('a', 'b');
        await until('both came a third time', () =>
          ['a', 'b'].every((name) => deliveriesOf(name).length === 3),
        );
        for (const name of ['a', 'b']) expect(deliveriesOf(name)).toEqual([1, 2, 3]);
        expect(await bus.deadLetters()).toEqual([]);
      });

      test('too few verdicts are a fault: nothing counts as done', async () => {
        const verdicts: Verdict[][] = [['done'], ['done', 'done']];
        const seen = consuming((batch) => Promise.resolve(batch.length === 2 ? verdicts.shift() : undefined));
        await publish('a', 'b');
        await until('both came again', () => seen.times('a') === 2 && seen.times('b') === 2);
      });

      test('a batch that is not settled in time comes again, and what its handler says later is not heard', async () => {
        let settleLate: (verdicts: Verdict[]) => void = () => {};
        const seen = consuming(
          (batch) =>
            batch.some(({ deliveries, message }) => message.name === 'slow' && deliveries === 1)
              ? new Promise<Verdict[]>((settle) => {
                  settleLate = settle;
                })
              : Promise.resolve(),
          { ackWaitMs },
        );
        await publish('slow');
        await until('it comes again', () => seen.times('slow') === 2);
        settleLate([{ dead: 'too late to say so' }]);
        await afterwards(seen);
        expect(seen.times('slow')).toBe(2);
        expect(await bus.deadLetters()).toEqual([]);
      });

      test('a message wanted later comes again, and only that one, however often it is put off', async () => {
        const seen = consuming((batch) =>
          Promise.resolve(
            batch.map(({ message }) =>
              message.name === 'b' && seen.times('b') < 8 ? { retryAfterMs: 20 } : 'done',
            ),
          ),
        );
        await publish('a', 'b', 'c');
        await until('it was put off often enough', () => seen.times('b') === 8, untilDeadMs);
        await afterwards(seen);
        expect(['a', 'b', 'c'].map((name) => seen.times(name))).toEqual([1, 8, 1]);
        expect(await bus.deadLetters()).toEqual([]);
      });

      test('to be put off is not to fail: a first fault after it is a first fault', async () => {
        const seen = consuming((batch) => {
          if (seen.times('a') === 7) throw new Error('for once');
          return Promise.resolve(batch.map(() => (seen.times('a') < 7 ? { retryAfterMs: 20 } : 'done')));
        });
        await publish('a');
        await until('it comes after its fault', () => seen.times('a') === 8);
        expect(await bus.deadLetters()).toEqual([]);
      });

      test('a message that can never succeed is set aside with its reason, and can be replayed', async () => {
        let isHealed = false;
        const seen = consuming((batch) =>
          Promise.resolve(
            batch.map(({ message }) =>
              message.name === 'bad' && !isHealed ? { dead: 'no such thing' } : 'done',
            ),
          ),
        );
        await publish('good', 'bad');
        await until('it is set aside', async () => (await bus.deadLetters()).length > 0);
        expect(await bus.deadLetters()).toEqual([
          { queue: letters.name, message: { name: 'bad' }, reason: 'no such thing', at: expect.any(Number) },
        ]);
        isHealed = true;
        expect(await bus.replayDeadLetters(letters.name)).toBe(1);
        await until('it comes again', () => seen.times('bad') === 2);
        await until('it is no dead letter any more', async () => (await bus.deadLetters()).length === 0);
        expect(await bus.replayDeadLetters(letters.name)).toBe(0);
        await afterwards(seen);
        expect(seen.times('good')).toBe(1);
      });

      test('one poisonous message harms itself only: the others are done, it becomes a dead letter, the rest flows', async () => {
        const healthy = ['a', 'b', 'c', 'd', 'e', 'f'];
        const handled = new Set<string>();
        const { batches, times } = consuming((batch) => {
          if (includes(batch, 'poison')) throw new Error('cannot be eaten');
          for (const { message } of batch) handled.add(message.name);
          return Promise.resolve();
        });
        await publish('a', 'b', 'poison', 'c', 'd');
        await publish('e', 'f');
        await until(
          'the healthy ones are done',
          () => healthy.every((name) => handled.has(name)),
          untilDeadMs,
        );
        await until(
          'the poisonous one is set aside',
          async () => (await bus.deadLetters()).length > 0,
          untilDeadMs,
        );
        expect((await bus.deadLetters()).map(({ message }) => message)).toEqual([{ name: 'poison' }]);
        expect((await bus.deadLetters())[0]?.reason).not.toBe('');
        // Twice in company, then alone; at the sixth delivery it is set aside instead of being delivered.
        expect(times('poison')).toBe(5);
        for (const batch of batches)
          if (batch.some(({ deliveries }) => deliveries >= 3)) expect(batch).toHaveLength(1);
        await publish('after');
        await until('what comes later flows', () => handled.has('after'));
      });
    });

    describe('a full queue', () => {
      test('refuses a frame, takes nothing of it, and takes again when there is room', async () => {
        const stuck = gate();
        const { times } = consuming((batch) => (includes(batch, 'first') ? stuck.pass() : done(batch)), {
          waitingMax: 10,
        });
        await publish('first');
        await stuck.reached;
        let taken = 0;
        const fill = async () => {
          while (taken <= 10) await publish(`taken ${taken++}`);
        };
        await expect(fill()).rejects.toBeInstanceOf(QueueFull);
        await expect(publish('no 1', 'no 2', 'no 3')).rejects.toBeInstanceOf(QueueFull);
        stuck.open();
        // The last of `taken` was refused.
        await until('what was taken arrives', () => times(`taken ${taken - 2}`) > 0);
        await until('there is room again', () =>
          publish('later').then(
            () => true,
            () => false,
          ),
        );
        await until('it flows again', () => times('later') > 0);
        expect(['no 1', 'no 2', 'no 3', `taken ${taken - 1}`].map(times)).toEqual([0, 0, 0, 0]);
      });
    });

    describe('stopping', () => {
      test('waits for what is in flight, takes nothing more, and leaves the rest to the next consumer', async () => {
        const inFlight = gate();
        const first = consuming((batch) => (includes(batch, 'in flight') ? inFlight.pass() : done(batch)));
        await publish('in flight');
        await inFlight.reached;
        await publish('left');
        let hasStopped = false;
        const stopping = first.consumer.stop().then(() => {
          hasStopped = true;
        });
        await publish('more');
        expect(hasStopped).toBe(false);
        inFlight.open();
        await stopping;

        const second = consuming(done);
        await until(
          'the next consumer gets the rest',
          () => second.times('left') > 0 && second.times('more') > 0,
        );
        expect(first.batches.flat().map(({ message }) => message.name)).toEqual(['in flight']);
        expect(second.times('in flight')).toBe(0);
      });

      test('a batch that failed is there for the next consumer', async () => {
        const failing = gate();
        const first = consuming(async () => {
          await failing.pass();
          throw new Error('going down');
        });
        await publish('a');
        await failing.reached;
        const stopping = first.consumer.stop();
        failing.open();
        await stopping;
        const second = consuming(done);
        await until('it arrives', () => second.times('a') > 0);
      });

      test('stopping twice is stopping once', async () => {
        const { consumer } = consuming(done);
        await consumer.stop();
        await consumer.stop();
      });
    });
  });
}
