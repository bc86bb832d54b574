import { expect, test } from 'vitest';
import { chargeMax, digitsOf, isChargeable } from './charge-amount.ts';

test.each([
  ['', ''],
  ['50000', '50000'],
  [' 50000 ', '50000'],
  ['50,000', '50000'],
  ['1,000,000', '1000000'],
  ['1.5', null],
  ['100.00', null],
  ['1,5', null],
  ['10,00', null],
  ['-5', null],
  ['1e6', null],
  ['5 000', null],
  ['오천', null],
])('"%s" is read as %s', (typed, digits) => {
  expect(digitsOf(typed)).toBe(digits);
});

test('what can be charged at a time has a least and a most', () => {
  expect([0, 1, chargeMax, chargeMax + 1].map(isChargeable)).toEqual([false, true, true, false]);
});
