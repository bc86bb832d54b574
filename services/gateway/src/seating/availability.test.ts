import {
  packSeats,
  seatCodeAt,
  type Availability,
  type ConcertQueries,
  type KnownAvailability,
} from '@tutti/contracts';
import { gate } from '@tutti/kit/testing';
import * as fc from 'fast-check';
import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, test } from 'vitest';
import { freshMs, SeatMemory } from './availability.ts';

/** A concert service of one table, which counts how it is asked. */
class Table implements Pick<ConcertQueries, 'availability'> {
  readonly rows = new Map<string, { version: number; sequence: number; codes: string }>();
  readonly asked: KnownAvailability[][] = [];
  before = (): Promise<void> => Promise.resolve();

  async availability(known: readonly KnownAvailability[]): Promise<Availability[]> {
    this.asked.push([...known]);
    await this.before();
    return known.flatMap(({ performanceId, version, sequence }) => {
      const row = this.rows.get(performanceId);
      if (!row) return [];
      const isSame = row.version === version && row.sequence === sequence;
      const { codes, ...rest } = row;
      return [{ performanceId, ...rest, seats: isSame ? null : packSeats(codes) }];
    });
  }
}

function remembered(codes = '0000') {
  const table = new Table();
  table.rows.set('show', { version: 1, sequence: 1, codes });
  let now = 0;
  const memory = new SeatMemory(table, () => now);
  const pass = (ms: number) => {
    now += ms;
  };
  return { table, memory, pass };
}

test('a crowd costs one read in a quarter of a second', async () => {
  const { table, memory, pass } = remembered();
  const crowd = () => Promise.all(Array.from({ length: 500 }, () => memory.at('show')));
  await crowd();
  await crowd();
  pass(freshMs - 1);
  await crowd();
  expect(table.asked).toHaveLength(1);
  pass(1);
  await crowd();
  expect(table.asked).toHaveLength(2);
});

test('who asks during a read waits for it, and performances asked for together are read together', async () => {
  const { table, memory } = remembered();
  table.rows.set('other', { version: 1, sequence: 1, codes: '1' });
  const reading = gate();
  table.before = reading.pass;
  const both = [memory.at('show'), memory.at('other')];
  await reading.reached;
  both.push(memory.at('show'));
  reading.open();
  const [show, other, again] = await Promise.all(both);
  expect(table.asked.map((known) => known.map(({ performanceId }) => performanceId))).toEqual([
    ['show', 'other'],
  ]);
  expect(again).toBe(show);
  expect(other?.seats).toEqual(Buffer.from(packSeats('1')));
});

test('what is read for all who ask belongs to none of them', async () => {
  const { table, memory } = remembered();
  const trace = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  table.before = async () => {
    seen.push(trace.getStore());
  };
  await trace.run('of a fan', () => memory.at('show'));
  expect(seen).toEqual([undefined]);
});

test('what has not changed is not read again, and stays the same object', async () => {
  const { table, memory, pass } = remembered();
  const first = await memory.at('show');
  pass(freshMs);
  expect(await memory.at('show')).toBe(first);
  expect(table.asked.at(-1)).toEqual([{ performanceId: 'show', version: 1, sequence: 1 }]);
});

test('a performance that there is none of is not remembered, and a fault is told to all who wait', async () => {
  const { table, memory } = remembered();
  expect(await memory.at('nowhere')).toBeNull();
  table.before = () => Promise.reject(new Error('out of reach'));
  const waiting = [memory.at('show'), memory.at('show')];
  expect((await Promise.allSettled(waiting)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  table.before = () => Promise.resolve();
  expect(await memory.at('show')).toMatchObject({ sequence: 1 });
  expect(memory.known('nowhere')).toBeUndefined();
});

test('whoever knows a state that was told gets from there to the present by the news', async () => {
  const steps = fc.array(fc.string({ unit: fc.constantFrom('0', '1', '2'), minLength: 9, maxLength: 9 }), {
    minLength: 1,
    maxLength: 20,
  });
  await fc.assert(
    fc.asyncProperty(steps, async (states) => {
      const { table, memory, pass } = remembered('000000000');
      const told = [await memory.at('show')];
      for (const [nth, codes] of states.entries()) {
        // Some changes are seen together.
        table.rows.set('show', { version: 1, sequence: 3 + nth * 2, codes });
        pass(freshMs);
        told.push(await memory.at('show'));
      }
      for (const state of told) {
        const seats = Array.from({ length: 9 }, (_, seat) => seatCodeAt(state?.seats ?? Buffer.of(), seat));
        for (const { changes } of memory.newsSince('show', state?.sequence ?? -1) ?? [])
          for (const [seat, code] of changes ?? []) seats[seat] = code;
        expect(seats.join('')).toBe(states.at(-1));
      }
      expect(memory.newsSince('show', 2)).toBeNull();
    }),
    { numRuns: 50 },
  );
});

test.each([
  ['another map', { version: 2, sequence: 1, codes: '0001' }],
  ['a database that was put back', { version: 1, sequence: 0, codes: '0001' }],
])('there is no way by news over %s', async (_, row) => {
  const { table, memory, pass } = remembered();
  await memory.at('show');
  const news: unknown[] = [];
  memory.onNews = ({ changes }) => news.push(changes);
  table.rows.set('show', row);
  pass(freshMs);
  await memory.at('show');
  expect(news).toEqual([null]);
  expect(row.version === 2 || memory.newsSince('show', 1) === null).toBe(true);
});

test('what is remembered has a bound', async () => {
  const { table, memory, pass } = remembered();
  for (let show = 0; show < 600; show++) {
    table.rows.set(`show-${show}`, { version: 1, sequence: 1, codes: '0' });
    await memory.at(`show-${show}`);
  }
  const known = Array.from({ length: 600 }, (_, show) => memory.known(`show-${show}`));
  expect(known.filter((state) => state !== undefined)).toHaveLength(500);
  for (let sequence = 2; sequence < 400; sequence++) {
    table.rows.set('show', { version: 1, sequence, codes: String(sequence % 2) });
    pass(freshMs);
    await memory.at('show');
  }
  expect(memory.newsSince('show', 100)).toBeNull();
  expect(memory.newsSince('show', 398)).toHaveLength(1);
});
