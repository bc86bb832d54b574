import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SeatGrid } from './seat-grid.ts';

const box = { left: -40, top: 0, right: 40, bottom: 60 };
const place = fc.record({
  x: fc.double({ min: box.left, max: box.right, noNaN: true }).map(Math.fround),
  y: fc.double({ min: box.top, max: box.bottom, noNaN: true }).map(Math.fround),
});
const places = fc.array(place, { maxLength: 200 });

const gridOf = (seats: readonly { x: number; y: number }[]): SeatGrid =>
  new SeatGrid(
    Float32Array.from(seats, ({ x }) => x),
    Float32Array.from(seats, ({ y }) => y),
    box,
  );

test('the nearest seat is the one that a look at all of them finds', () => {
  fc.assert(
    fc.property(places, place, fc.double({ min: 0, max: 30, noNaN: true }), (seats, at, radius) => {
      const away = (seat: number): number =>
        Math.hypot((seats[seat]?.x ?? 0) - at.x, (seats[seat]?.y ?? 0) - at.y);
      const even = (seat: number): boolean => seat % 2 === 0;
      const wanted = seats.map((_, seat) => seat).filter((seat) => even(seat) && away(seat) <= radius);
      const found = gridOf(seats).nearest(at.x, at.y, radius, even);
      if (found === undefined) expect(wanted).toEqual([]);
      else expect(away(found)).toBe(Math.min(...wanted.map(away)));
    }),
  );
});

test('a box holds the seats that stand in it, each once', () => {
  fc.assert(
    fc.property(places, place, place, (seats, one, other) => {
      const asked = {
        left: Math.min(one.x, other.x),
        right: Math.max(one.x, other.x),
        top: Math.min(one.y, other.y),
        bottom: Math.max(one.y, other.y),
      };
      const found: number[] = [];
      gridOf(seats).within(asked, (seat) => found.push(seat));
      const wanted = [...seats.entries()].filter(
        ([, { x, y }]) => x >= asked.left && x <= asked.right && y >= asked.top && y <= asked.bottom,
      );
      expect(found.toSorted((a, b) => a - b)).toEqual(wanted.map(([seat]) => seat));
    }),
  );
});
