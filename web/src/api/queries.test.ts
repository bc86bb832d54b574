import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { saleAgainMs } from './queries.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: new Date('2027-01-01T12:00:00Z') }));
afterEach(() => void vi.useRealTimers());

const at = (saleState: 'scheduled' | 'open' | 'paused' | 'closed', onSaleAt = '2027-01-01T12:00:20Z') =>
  saleAgainMs({ saleState, onSaleAt });

test('a sale that is open or closed for good is not asked for again', () => {
  expect([at('open'), at('closed')]).toEqual([false, false]);
});

test.each([
  ['paused', '2026-12-31T00:00:00Z', 5_000],
  ['scheduled', '2027-01-01T12:00:20Z', 20_000],
  ['scheduled', '2027-01-01T12:00:00Z', 1_000],
  ['scheduled', '2027-01-01T11:59:00Z', 1_000],
  ['scheduled', '2027-03-01T00:00:00Z', 60_000],
] as const)(
  'a sale that is %s until %s is asked for in %d ms, or up to a second later',
  (state, opens, ms) => {
    expect(at(state, opens)).toBeGreaterThanOrEqual(ms);
    expect(at(state, opens)).toBeLessThan(ms + 1_000);
    expect(at(state, opens)).toBe(at(state, opens));
  },
);
