import { packSeats } from '@tutti/contracts';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { alternatives, bestPlacements, blockAt, drawn, seatIdsOf } from './placements.ts';
import { planOf, type SeatPlan } from './seat-plan.ts';

type Row = { seats: number; aisleAfter: number };
type SectionShape = { grade: string; price: number; at: { x: number; y: number }; rows: Row[] };

/** Rows of seats half a metre apart, with an aisle somewhere, but not only aisles: else nobody could tell what is one. */
function mapOf(shapes: readonly SectionShape[]): string {
  const sections = shapes.map(({ grade, price, at, rows }, nth) => ({
    name: `Section ${nth}`,
    grade,
    price,
    seats: rows.flatMap((row, depth) =>
      Array.from({ length: row.seats }, (_, seat) => ({
        seatId: `${nth}-${depth}-${seat}`,
        label: '',
        row: String(depth),
        number: seat + 1,
        x: at.x + seat * 0.5 + (seat >= row.aisleAfter ? 1.5 : 0),
        y: at.y + depth,
      })),
    ),
  }));
  return JSON.stringify({ version: 1, sections });
}

const shape: fc.Arbitrary<SectionShape> = fc.record({
  grade: fc.constantFrom('R', 'S'),
  price: fc.constantFrom(1_000, 2_000),
  at: fc.record({ x: fc.integer({ min: -20, max: 20 }), y: fc.integer({ min: 0, max: 30 }) }),
  rows: fc.array(
    fc.record({ seats: fc.integer({ min: 3, max: 9 }), aisleAfter: fc.integer({ min: 2, max: 9 }) }),
    {
      minLength: 1,
      maxLength: 5,
    },
  ),
});

/** A hall and what is left of it. */
const hall = fc
  .array(shape, { minLength: 1, maxLength: 4 })
  .map((shapes) => planOf(mapOf(shapes)))
  .chain((plan) =>
    fc.record({
      plan: fc.constant(plan),
      codes: fc.array(fc.constantFrom('0', '0', '1', '2'), {
        minLength: plan.seats.length,
        maxLength: plan.seats.length,
      }),
      place: fc.nat(plan.seats.length - 1),
      count: fc.integer({ min: 1, max: 6 }),
    }),
  );

/** Every way in which so many seats of one row, without an aisle between them, are all free; found seat by seat. */
function everyRun(plan: SeatPlan, isFree: (index: number) => boolean, count: number): number[][] {
  return plan.seats.flatMap((_, first) => {
    const run = Array.from({ length: count }, (__, nth) => first + nth);
    const seats = run.map((index) => plan.seats[index]);
    const together = seats.every((seat, nth) => {
      const [next, before] = [seat, seats[nth - 1]];
      if (!next || nth === 0) return next !== undefined;
      const sameRow = next.seatId.replace(/-\d+$/, '') === before?.seatId.replace(/-\d+$/, '');
      return sameRow && Math.abs(next.x - (before?.x ?? 0)) < 1;
    });
    return together && run.every(isFree) ? [run] : [];
  });
}

const middle = (plan: SeatPlan, run: readonly number[]) => ({
  x: run.reduce((sum, index) => sum + (plan.seats[index]?.x ?? 0), 0) / run.length,
  y: run.reduce((sum, index) => sum + (plan.seats[index]?.y ?? 0), 0) / run.length,
});

test('alternatives are free, side by side, of the same grade and price, and nothing is nearer', () => {
  let offered = 0;
  fc.assert(
    fc.property(hall, ({ plan, codes, place, count }) => {
      const wanted = Array.from({ length: count }, (_, nth) => place + nth).filter(
        (index) => plan.seats[index],
      );
      const like = plan.blocks[blockAt(plan.blocks, place)];
      const centre = middle(plan, wanted);
      const away = (run: readonly number[]) => {
        const { x, y } = middle(plan, run);
        return Math.hypot(x - centre.x, y - centre.y);
      };
      let rest = everyRun(
        plan,
        (index) => codes[index] === '0' && !wanted.includes(index),
        wanted.length,
      ).filter(([first = 0]) => {
        const block = plan.blocks[blockAt(plan.blocks, first)];
        return block?.grade === like?.grade && block?.price === like?.price;
      });
      const found = alternatives(plan, packSeats(codes.join('')), wanted);
      for (const { first, count: together } of found) {
        const run = Array.from({ length: together }, (_, nth) => first + nth);
        expect(rest).toContainEqual(run);
        expect(away(run)).toBeCloseTo(Math.min(...rest.map(away)), 9);
        rest = rest.filter((other) => !other.some((index) => run.includes(index)));
        offered++;
      }
      // Fewer than three only where there are no more.
      expect(found.length === 3 || rest.length === 0).toBe(true);
    }),
    { numRuns: 300 },
  );
  expect(offered).toBeGreaterThan(100);
});

test('the best are free and side by side, of the grade that was asked for, and there are some while there are any', () => {
  fc.assert(
    fc.property(hall, fc.constantFrom('R', 'S', undefined), ({ plan, codes, count }, grade) => {
      const all = everyRun(plan, (index) => codes[index] === '0', count).filter(
        ([first = 0]) => grade === undefined || plan.blocks[blockAt(plan.blocks, first)]?.grade === grade,
      );
      const found = bestPlacements(plan, packSeats(codes.join('')), { together: count, grade });
      for (const { first } of found)
        expect(all).toContainEqual(Array.from({ length: count }, (_, nth) => first + nth));
      expect(found.length > 0).toBe(all.length > 0);
      const taken = found.flatMap(({ first }) => Array.from({ length: count }, (_, nth) => first + nth));
      expect(new Set(taken).size).toBe(taken.length);
    }),
    { numRuns: 300 },
  );
});

const row = (seats: number, aisleAfter = seats): SeatPlan =>
  planOf(mapOf([{ grade: 'R', price: 1, at: { x: -(seats - 1) / 4, y: 3 }, rows: [{ seats, aisleAfter }] }]));
const best = (plan: SeatPlan, codes: string, together: number) =>
  bestPlacements(plan, packSeats(codes), { together }).map((one) => seatIdsOf(plan, one).join());

test('the middle comes first, and who leaves nobody alone before who does', () => {
  expect(best(row(7), '0000000', 1)[0]).toBe('0-0-3');
  // Seat 2 is nearer to the middle than seat 1, but taking it would leave seat 1 alone.
  expect(best(row(7), '1001111', 1)[0]).toMatch(/0-0-[12]/);
  expect(best(row(9), '000100111', 2)).toEqual(['0-0-4,0-0-5', '0-0-1,0-0-2']);
});

test('nobody sits together across an aisle', () => {
  expect(best(row(4, 2), '1001', 2)).toEqual([]);
  expect(best(row(4, 4), '1001', 2)).toEqual(['0-0-1,0-0-2']);
});

test('a crowd that asks at once is sent to many places', () => {
  const rows = Array.from({ length: 40 }, () => ({ seats: 40, aisleAfter: 20 }));
  const plan = planOf(mapOf([{ grade: 'R', price: 1, at: { x: -10, y: 2 }, rows }]));
  const equal = bestPlacements(plan, packSeats('0'.repeat(1_600)), { together: 2 });
  expect(equal).toHaveLength(40);
  let turn = 0;
  const random = () => (turn++ * 0.618) % 1;
  const firsts = Array.from({ length: 160 }, () => drawn(equal, 1, random)[0]?.first);
  expect(new Set(firsts).size).toBeGreaterThan(30);
  const three = drawn(equal, 3, random);
  expect(new Set(three.map(({ first }) => first)).size).toBe(3);
  expect(drawn(equal.slice(0, 2), 3, random)).toHaveLength(2);
});
