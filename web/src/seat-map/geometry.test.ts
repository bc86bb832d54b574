import { expect, test } from 'vitest';
import { layOut } from '../../../services/concert/src/layout.ts';
import { geometryOf, shortNameOf } from './geometry.ts';
import { Hall } from './hall.ts';
import type { SeatLayout } from './layout.ts';
import { widthInside } from './outline.ts';
import { seatAt } from './touch-target.ts';
import type { View } from './viewport.ts';

const sections = layOut(
  [
    {
      code: 'A',
      name: 'Stalls Left',
      grade: 'R',
      rows: ['1', '2', '3', '4'],
      seats: 12,
      at: { x: -6, y: 4, turn: 0 },
      aisles: 1,
    },
    {
      code: 'B',
      name: 'Upper 201',
      grade: 'VIP',
      rows: ['1', '2', '3', '4', '5'],
      seats: { first: 20, growth: 1 },
      arc: { x: 0, y: -10, radius: 25, angle: 0 },
      aisles: 0,
    },
    { code: 'C', name: 'Back', grade: 'R', rows: ['1'], seats: 1, at: { x: 9, y: 5, turn: 0 }, aisles: 0 },
  ],
  { seat: 0.55, row: 0.85 },
);
const price: Readonly<Record<string, number>> = { R: 100, VIP: 300 };
const layout: SeatLayout = {
  version: 4,
  sections: sections.map(({ name, grade, seats }) => ({ name, grade, price: price[grade] ?? 0, seats })),
};
const geometry = geometryOf(layout);
const gap = (seat: number, other: number): number =>
  Math.hypot(
    (geometry.x[seat] ?? 0) - (geometry.x[other] ?? 0),
    (geometry.y[seat] ?? 0) - (geometry.y[other] ?? 0),
  );

test('seats keep the order of the map, sections and rows are ranges of it', () => {
  expect(geometry.count).toBe(12 * 4 + (20 + 21 + 22 + 23 + 24) + 1);
  expect(geometry.seats[geometry.indexOf.get('B-2-3') ?? -1]?.seatId).toBe('B-2-3');
  for (const [index, { first, end, rows }] of geometry.sections.entries()) {
    expect([...new Set(geometry.sectionOf.subarray(first, end))]).toEqual([index]);
    expect([rows[0]?.first, rows.at(-1)?.end]).toEqual([first, end]);
    for (const [at, row] of rows.slice(1).entries()) expect(row.first).toBe(rows[at]?.end);
  }
});

test('the dearest grade comes first, whatever the order of the sections', () => {
  expect(geometry.grades.map(({ name }) => name)).toEqual(['VIP', 'R']);
  expect(geometry.sections.map(({ grade }) => grade)).toEqual([1, 0, 1]);
});

test('neighbours stand evenly though places are told in tenths of a metre; the aisle stays', () => {
  const gaps = Array.from({ length: 11 }, (_, seat) => gap(seat, seat + 1));
  expect(gaps[5]).toBeCloseTo(0.55 + 1.2, 1);
  for (const one of [...gaps.slice(0, 5), ...gaps.slice(6)]) expect(Math.abs(one - 0.55)).toBeLessThan(0.025);
  const [first = 0, second = 0, third = 0] = [0, 12, 24].map((seat) => geometry.y[seat] ?? 0);
  expect(Math.abs(second - first - (third - second))).toBeLessThan(0.04);
});

test('no seat moves further than rounding may have moved it', () => {
  for (const [seat, { x, y }] of geometry.seats.entries()) {
    expect(Math.hypot((geometry.x[seat] ?? 0) - x, (geometry.y[seat] ?? 0) - y)).toBeLessThanOrEqual(0.081);
  }
});

test('a section is called by its number or by its first letters', () => {
  expect(geometry.sections.map(({ shortName }) => shortName)).toEqual(['SL', '201', 'Back']);
  expect(shortNameOf('1층 가구역')).toBe('1가');
});

test('a text has the room between the sides of a section, and none outside of it', () => {
  const square = Float32Array.of(0, 0, 10, 0, 10, 10, 0, 10);
  expect(widthInside(square, 5, 5, 2)).toBe(10);
  expect(widthInside(square, 2, 5, 2)).toBe(4);
  expect(widthInside(square, 5, 9.5, 2)).toBe(0);
  expect(widthInside(square, 15, 5, 2)).toBe(0);
});

test('what is left of a section follows every change', () => {
  const hall = new Hall(geometry);
  hall.update(new Uint8Array(geometry.count + 3));
  expect([...hall.freeOf]).toEqual([48, 110, 1]);
  const sold = new Uint8Array(geometry.count).fill(2, 40, 60);
  expect(hall.update(sold)).toHaveLength(20);
  expect([...hall.freeOf]).toEqual([40, 98, 1]);
  expect(hall.update(sold)).toEqual([]);
});

test('a finger means the nearest seat that can be had within its width; a mouse means the one it points at', () => {
  const hall = new Hall(geometry);
  const states = new Uint8Array(geometry.count);
  states[0] = 2;
  hall.update(states);
  const view: View = { scale: 20, left: (geometry.x[0] ?? 0) - 10, top: (geometry.y[0] ?? 0) - 10 };
  const place = { geometry, grid: hall.grid, states: hall.states, selected: new Set<number>() };
  const onFirst = { x: 200, y: 200 };
  expect(seatAt(place, view, onFirst, 'mouse')).toBe(0);
  expect(seatAt(place, view, onFirst, 'finger')).toBe(1);
  expect(seatAt({ ...place, selected: new Set([0]) }, view, onFirst, 'finger')).toBe(0);
  expect(seatAt(place, view, { x: 200 - 30, y: 200 }, 'finger')).toBeUndefined();
});
