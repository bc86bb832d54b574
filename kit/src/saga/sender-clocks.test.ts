import { expect, test } from 'vitest';
import { SenderClocks } from './sender-clocks.ts';

const hour = 3_600_000;
const waitMs = 15_000;

/** A start that its sender, whose clock is `off` ours, sends at our time `at`. */
const start = (off: number, at: number) => ({
  replyTo: `off by ${off}`,
  sentAt: at + off,
  notAfter: at + off + waitMs,
});

test.each([-hour, 0, hour])(
  'a start is in time or late whatever its sender’s clock says: %i ms off ours',
  (off) => {
    const clocks = new SenderClocks();
    expect(clocks.isLate(start(off, 1_000), 1_010)).toBe(false);
    expect(clocks.isLate(start(off, 2_000), 2_000 + waitMs)).toBe(false);
    expect(clocks.isLate(start(off, 2_000), 2_000 + waitMs + 20)).toBe(true);
  },
);

test('what is first heard of a sender may have been long on its way: it is taken, and so is nothing but that', () => {
  const clocks = new SenderClocks();
  expect(clocks.isLate(start(hour, 1_000), 200_000)).toBe(false);
  expect(clocks.isLate(start(hour, 200_000), 200_010)).toBe(false);
  expect(clocks.isLate(start(hour, 1_000), 200_020)).toBe(true);
});

test('after a silence of the queue, what waited in it is known to be late', () => {
  const clocks = new SenderClocks();
  clocks.isLate(start(0, 1_000), 1_010);
  expect(clocks.isLate(start(0, 2_000), 90_000)).toBe(true);
});

test('a sender whose clock runs slow is followed', () => {
  const clocks = new SenderClocks();
  for (let at = 0; at < 100 * hour; at += 30_000)
    // A second in three hours.
    expect(clocks.isLate(start(-at / 10_800, at), at + 10)).toBe(false);
});
