import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { packSeats, seatChanges, seatCodeAt } from './availability.ts';

const codes = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 50 });

test('every seat is told by two bits of its own, the first in the lowest, and what is left over is not for sale', () => {
  expect([...packSeats('01230')]).toEqual([0b11_10_01_00, 0b11_11_11_00]);
  fc.assert(
    fc.property(codes, (seats) => {
      const bytes = packSeats(seats.join(''));
      expect(bytes).toHaveLength(Math.ceil(seats.length / 4));
      const read = Array.from({ length: bytes.length * 4 }, (_, seat) => seatCodeAt(bytes, seat));
      expect(read.slice(0, seats.length)).toEqual(seats);
      expect(read.slice(seats.length).every((code) => code === 3)).toBe(true);
    }),
  );
});

test('who applies the changes to what they knew has what is now, and is told of nothing else', () => {
  const pair = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 })));
  fc.assert(
    fc.property(pair, (seats) => {
      const [before, now] = [seats.map(([code]) => code), seats.map(([, code]) => code)];
      const changes = seatChanges(packSeats(before.join('')), packSeats(now.join('')));
      for (const [seat, code] of changes) before[seat] = code;
      expect(before).toEqual(now);
      expect(changes).toHaveLength(seats.filter(([was, is]) => was !== is).length);
    }),
  );
});
