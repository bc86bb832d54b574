import { expect, test } from 'vitest';
import { chosenSeats } from './chosen-seats.ts';
import { geometryOf } from './geometry.ts';
import { messagesIn } from './messages.ts';
import { offeredRows, offeredSeats, offeredSections } from './offered.ts';
import { newsOf } from './seat-news.ts';

const row = (section: string, label: string, y: number) =>
  [1, 2, 3].map((number) => ({
    seatId: `${section}-${label}-${number}`,
    label: `${section} ${label} ${number}`,
    row: label,
    number,
    x: number,
    y,
  }));
const geometry = geometryOf({
  version: 2,
  sections: ['A', 'B'].map((name, index) => ({
    name,
    grade: name,
    price: 100,
    seats: [...row(name, '1', index * 4), ...row(name, '2', index * 4 + 1)],
  })),
});
const availability = (...taken: number[]) => {
  const states = new Uint8Array(12);
  for (const seat of taken) states[seat] = 1;
  return { version: 2, sequence: 1, states, freshness: 'live' } as const;
};
const selected = ['A-1-2', 'B-1-1'];

test('a chosen seat that another fan took is lost, the others are kept', () => {
  expect(chosenSeats(geometry, { selected, availability: availability(1) })).toEqual({
    kept: [6],
    lost: [1],
  });
});

test('seats that the page has put away as lost are marked, too', () => {
  const asked = { selected: ['B-1-1'], availability: availability(1), lost: ['A-1-2', 'unknown'] };
  expect(chosenSeats(geometry, asked)).toEqual({ kept: [6], lost: [1] });
});

test('nothing is lost while these seats are being reserved for the fan, nor by another version of the map', () => {
  const taken = availability(1, 6);
  const kept = { kept: [1, 6], lost: [] };
  expect(chosenSeats(geometry, { selected, availability: taken, isReserving: true })).toEqual(kept);
  expect(chosenSeats(geometry, { selected, availability: { ...taken, version: 3 } })).toEqual(kept);
  expect(chosenSeats(geometry, { selected, availability: undefined })).toEqual(kept);
});

test('what is said is about the own seats alone: chosen, given up, lost, back', () => {
  const messages = messagesIn('en');
  const say = (before: number[][], now: number[][]): string[] => {
    const [kept = [], lost = []] = before;
    const [keptNow = [], lostNow = []] = now;
    const name = (seat: number): string => `seat ${seat}`;
    const count = { count: keptNow.length, most: 6 };
    return newsOf({ kept, lost }, { kept: keptNow, lost: lostNow }, name, messages, count);
  };
  expect(say([[1]], [[1]])).toEqual([]);
  expect(say([[]], [[4]])).toEqual(['seat 4 chosen. 1 of 6.']);
  expect(say([[4]], [[]])).toEqual(['seat 4 given up. 0 of 6.']);
  expect(say([[1, 4]], [[1], [4]])).toEqual(['seat 4: another fan was first. Please choose another seat.']);
  expect(say([[1], [4]], [[1]])).toEqual([]);
  expect(say([[], [4]], [[4]])).toEqual(['seat 4: can be chosen again.']);
});

test('the list offers what can be chosen, and what the fan has in any case', () => {
  const { states } = availability(0, 1, 2, 3, 4, 5, 6, 7);
  const wish = { states, kept: new Set<number>(), isAll: false };
  expect(offeredSections(geometry, wish).map(({ index, free }) => [index, free])).toEqual([[1, 4]]);
  const [a, b] = geometry.sections;
  if (!a || !b) throw new Error('There are two sections.');
  expect(offeredRows(b, wish).map(({ row: { label }, free }) => [label, free])).toEqual([
    ['1', 1],
    ['2', 3],
  ]);
  const [first] = b.rows;
  if (!first) throw new Error('It has rows.');
  expect(offeredSeats(first, wish)).toEqual([8]);
  expect(offeredSeats(first, { ...wish, kept: new Set([7]) })).toEqual([7, 8]);
  expect(offeredSeats(first, { ...wish, isAll: true })).toEqual([6, 7, 8]);
  expect(offeredSections(geometry, { ...wish, kept: new Set([2]) })).toHaveLength(2);
  expect(offeredRows(a, { ...wish, isAll: true })).toHaveLength(2);
});
