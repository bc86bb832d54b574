import { expect, test } from 'vitest';
import { shownSale } from './shown-sale.ts';

test('sold out is what had seats: without a date left, the sale has ended', () => {
  const [none, some] = [{ seatsAvailable: 0 }, { seatsAvailable: 3 }];
  expect(shownSale('open', undefined)).toBe('open');
  expect(shownSale('open', [none, some])).toBe('open');
  expect(shownSale('open', [none, none])).toBe('soldOut');
  expect(shownSale('open', [])).toBe('closed');
  for (const state of ['scheduled', 'paused', 'closed'] as const)
    expect(shownSale(state, [none])).toBe(state);
});
