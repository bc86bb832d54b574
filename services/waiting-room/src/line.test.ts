import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextMove, onTheirWay, paceOf, showUpOf, waitOf, type Call, type Figures } from './line.ts';
import { randomFrom, simulate } from './line.fixture.ts';

const figures: Figures = {
  inside: 100,
  taken: 0,
  atDoor: 0,
  serving: 0,
  issued: 10_000,
  pace: 1_000,
  left: 5_000,
  exits: 0,
  windowSeconds: 1,
  calls: [],
};

const calls: fc.Arbitrary<Call> = fc
  .record({
    ageSeconds: fc.double({ min: 0, max: 300, noNaN: true }),
    called: fc.integer({ min: 1, max: 500 }),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ ageSeconds, called, part }) => ({ ageSeconds, called, came: Math.floor(called * part) }));
const anyFigures: fc.Arbitrary<Figures> = fc
  .record({
    inside: fc.integer({ min: 1, max: 2_000 }),
    taken: fc.nat(3_000),
    atDoor: fc.nat(500),
    serving: fc.nat(100_000),
    waiting: fc.nat(100_000),
    pace: fc.oneof(fc.constant(0), fc.double({ min: 0.01, max: 10_000, noNaN: true })),
    left: fc.nat(10_000),
    exits: fc.nat(1_000),
    windowSeconds: fc.double({ min: 1, max: 300, noNaN: true }),
    calls: fc.array(calls, { maxLength: 20 }),
  })
  .map(({ waiting, ...rest }) => ({ ...rest, issued: rest.serving + waiting }));

describe('whose turn it is', () => {
  test('whatever is known: never backwards, never beyond the last number, never faster than the promoter said', () => {
    const credit = fc.double({ min: 0, max: 100, noNaN: true });
    const elapsed = fc.double({ min: 0, max: 60, noNaN: true });
    fc.assert(
      fc.property(anyFigures, credit, elapsed, (given, saved, seconds) => {
        const { serving, credit: kept } = nextMove(given, saved, seconds);
        expect(serving).toBeGreaterThanOrEqual(given.serving);
        expect(serving).toBeLessThanOrEqual(given.issued);
        const fans = (serving - given.serving) * showUpOf(given.calls);
        expect(fans).toBeLessThanOrEqual(
          Math.min(Math.max(1, given.pace * 2), saved + given.pace * seconds) + 1e-6,
        );
        expect(kept).toBeGreaterThanOrEqual(-1e-6);
        if (given.left === 0 || given.pace === 0) expect(serving).toBe(given.serving);
      }),
    );
  });

  test('at the opening as many as there are slots', () => {
    expect(nextMove(figures, 1_000, 1).serving).toBe(100);
  });

  test('those who were called and may still come are waited for, those who will not are made up for', () => {
    const fresh = { ageSeconds: 0.5, called: 100, came: 0 };
    expect(nextMove({ ...figures, serving: 100, calls: [fresh] }, 1_000, 1).serving).toBeLessThanOrEqual(101);
    const slept = { ageSeconds: 30, called: 100, came: 30 };
    const late = nextMove({ ...figures, serving: 100, taken: 30, calls: [slept] }, 1_000, 1);
    expect(late.serving).toBeGreaterThan(250);
  });

  test('who stands at the door goes before who is not called yet', () => {
    // A few are called ahead of those who are about to leave; without the door it would be a hundred.
    expect(nextMove({ ...figures, serving: 200, atDoor: 100 }, 1_000, 1).serving).toBeLessThan(205);
    expect(nextMove({ ...figures, serving: 200, atDoor: 90 }, 1_000, 1).serving).toBe(210);
  });

  test('nobody is called to a hall without a free seat, and somebody is when one comes back', () => {
    expect(nextMove({ ...figures, left: 0 }, 1_000, 1).serving).toBe(0);
    expect(nextMove({ ...figures, left: 1 }, 1_000, 1).serving).toBe(100);
  });

  test('an owner that was away does not let a crowd in at once', () => {
    expect(nextMove({ ...figures, pace: 5 }, 0, 3_600).serving).toBe(10);
  });

  test('of those on their way none has come, and none is more than were called', () => {
    fc.assert(
      fc.property(fc.array(calls, { maxLength: 20 }), (given) => {
        const expected = onTheirWay(given, showUpOf(given));
        const missing = given.reduce((sum, { called, came }) => sum + called - came, 0);
        expect(expected).toBeGreaterThanOrEqual(0);
        expect(expected).toBeLessThanOrEqual(missing + 1e-6);
      }),
    );
  });
});

// A virtual clock: fans that poll, come or do not, stay a while, hold seats or not, and slots that are a number. What is moved
// is moved by the rules above.
describe('an hour of a sale', () => {
  test.each([
    { showUp: 0.3, sleepers: 0 },
    { showUp: 0.3, sleepers: 0.2 },
    { showUp: 1, sleepers: 0 },
    { showUp: 0.6, sleepers: 0.1 },
  ])('with $showUp of the fans coming and $sleepers coming late, 95 % of the slots are in use', (crowd) => {
    const { inUse, insideMost, inside } = simulate({ ...crowd, random: randomFrom(7), minutes: 60 });
    expect(insideMost).toBeLessThanOrEqual(inside);
    expect(inUse).toBeGreaterThanOrEqual(0.95);
  });

  test('a hall that fills up is not called to, and is again when holds run out', () => {
    const { servedWhileFull, servedAfterwards } = simulate({
      showUp: 0.8,
      sleepers: 0,
      random: randomFrom(3),
      minutes: 30,
      fullBetweenSeconds: [600, 900],
    });
    expect(servedWhileFull).toBe(0);
    expect(servedAfterwards).toBeGreaterThan(0);
  });

  test.each([0.3, 0.7, 1])(
    'the wait that was foretold contains the true one of eight fans in ten (%s of them come)',
    (showUp) => {
      const { foretold } = simulate({ showUp, sleepers: 0, random: randomFrom(11), minutes: 90 });
      expect(foretold.length).toBeGreaterThan(500);
      const right = foretold.filter(({ low, high, true: wait }) => low <= wait && wait <= high);
      expect(right.length / foretold.length).toBeGreaterThanOrEqual(0.8);
    },
  );

  // All stand in line from the opening on, and the room inside takes its time to fill: two minutes, or half a minute.
  test.each([
    { inside: 2_000, issued: 20_000, showUp: 1 },
    { inside: 2_000, issued: 20_000, showUp: 0.5 },
    { inside: 500, issued: 20_000, showUp: 0.7 },
    { inside: 300, issued: 2_000, showUp: 1 },
  ])('the same while the room of $inside fills at the opening, for $issued in line', (sale) => {
    const { foretold } = simulate({
      ...sale,
      sleepers: 0,
      random: randomFrom(5),
      minutes: 240,
      askedWithin: sale.issued,
      askedBetweenSeconds: [1, 300],
    });
    const right = foretold.filter(({ low, high, true: wait }) => low <= wait && wait <= high);
    expect(foretold.length).toBeGreaterThan(200);
    expect(right.length / foretold.length).toBeGreaterThanOrEqual(0.8);
  });
});

test('a wait is nothing at the turn, and an interval before it', () => {
  expect(waitOf(0, { perSecond: 5 }, 0)).toEqual({ low: 0, high: 0 });
  const { low, high } = waitOf(1_000, { perSecond: 5 }, 0);
  expect(low).toBeLessThan(200);
  expect(high).toBeGreaterThan(200);
  expect(paceOf({ ...figures, left: 0 })).toEqual({ perSecond: 0 });
});
