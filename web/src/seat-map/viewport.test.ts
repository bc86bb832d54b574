import fc from 'fast-check';
import { expect, test } from 'vitest';
import { between, boundsOf, clamp, fit, pan, seenBox, toCanvas, toHall, zoomAbout } from './viewport.ts';

const box = { left: -50, top: -6, right: 50, bottom: 90 };
const size = { width: 800, height: 600 };
const bounds = boundsOf(box, size, 0.55);

test('the whole hall fits, in the middle', () => {
  const seen = seenBox(fit(bounds), size);
  expect(seen.left).toBeLessThan(box.left);
  expect(seen.bottom).toBeGreaterThan(box.bottom);
  expect((seen.left + seen.right) / 2).toBeCloseTo(0);
  expect((seen.top + seen.bottom) / 2).toBeCloseTo(42);
});

test('what is under the pointer stays there while zooming, as long as no edge is in the way', () => {
  const inside = fc.record({
    x: fc.double({ min: 300, max: 500, noNaN: true }),
    y: fc.double({ min: 250, max: 350, noNaN: true }),
  });
  fc.assert(
    fc.property(inside, fc.double({ min: 2, max: 8, noNaN: true }), (at, factor) => {
      const view = zoomAbout(fit(bounds), factor, at, bounds);
      const before = toHall(fit(bounds), at);
      const after = toCanvas(view, before);
      expect(after.x).toBeCloseTo(at.x, 6);
      expect(after.y).toBeCloseTo(at.y, 6);
    }),
  );
});

test('however one zooms and pans, the hall stays in sight and the scale within its bounds', () => {
  const number = fc.double({ min: -5_000, max: 5_000, noNaN: true });
  const steps = fc.array(fc.tuple(fc.double({ min: 0.05, max: 20, noNaN: true }), number, number));
  fc.assert(
    fc.property(steps, (moves) => {
      let view = fit(bounds);
      for (const [factor, dx, dy] of moves) {
        view = pan(zoomAbout(view, factor, { x: dx, y: dy }, bounds), dx, dy, bounds);
      }
      const seen = seenBox(view, size);
      expect(seen.right).toBeGreaterThan(box.left);
      expect(seen.left).toBeLessThan(box.right);
      expect(view.scale).toBeGreaterThanOrEqual(bounds.scaleMin);
      expect(view.scale).toBeLessThanOrEqual(bounds.scaleMax);
      expect(clamp(view, bounds)).toEqual(view);
    }),
  );
});

test('a journey begins and ends where it should, and a place that both see does not swing away', () => {
  const from = fit(bounds);
  const to = zoomAbout(from, 6, { x: 420, y: 310 }, bounds);
  expect(between(from, to, 0, size).left).toBeCloseTo(from.left);
  expect(between(from, to, 1, size).left).toBeCloseTo(to.left);
  const still = toHall(from, { x: 420, y: 310 });
  const half = toCanvas(between(from, to, 0.5, size), still);
  expect(half.x).toBeCloseTo(420, 3);
  expect(half.y).toBeCloseTo(310, 3);
});
