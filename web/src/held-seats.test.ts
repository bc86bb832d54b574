import { expect, test } from 'vitest';
import type { Reservation } from './api/wire.ts';
import { heldAmong } from './held-seats.ts';

const reservation = (
  status: Reservation['status'],
  performanceId: string,
  ...ids: string[]
): Reservation => ({
  reservationId: `${status} ${ids.join()}`,
  status,
  performanceId,
  seats: ids.map((seatId) => ({ seatId, label: seatId, price: 10 })),
  amount: 10 * ids.length,
  expiresAt: '2027-01-01T12:00:00.000Z',
});
const wish = { performanceId: 'evening', seatIds: ['A-1', 'A-2'] };

test.each(['reserved', 'paying', 'paid'] as const)(
  'a wish was fulfilled by the %s reservation of its seats',
  (status) => {
    const held = reservation(status, 'evening', 'A-2', 'A-1');
    expect(heldAmong([reservation('reserved', 'evening', 'B-1'), held], wish)).toBe(held);
  },
);

test.each([
  ['is over', reservation('expired', 'evening', 'A-1', 'A-2')],
  ['was given back', reservation('cancelled', 'evening', 'A-1', 'A-2')],
  ['is of another date', reservation('reserved', 'matinee', 'A-1', 'A-2')],
  ['holds fewer', reservation('reserved', 'evening', 'A-1')],
  ['holds more', reservation('reserved', 'evening', 'A-1', 'A-2', 'A-3')],
  ['holds others', reservation('reserved', 'evening', 'A-1', 'A-3')],
])('a reservation that %s is not the outcome', (_, other) => {
  expect(heldAmong([other], wish)).toBeNull();
});
