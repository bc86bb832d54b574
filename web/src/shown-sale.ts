import type { Concert, Performance } from './api/wire.ts';

export type ShownSale = Concert['saleState'] | 'soldOut';

/** A sale that is open, with nothing to buy in it: no date is left, or no seat of those that are. */
export function shownSale(
  saleState: Concert['saleState'],
  performances: readonly Pick<Performance, 'seatsAvailable'>[] | undefined,
): ShownSale {
  if (saleState !== 'open' || !performances) return saleState;
  if (performances.length === 0) return 'closed';
  return performances.every(({ seatsAvailable }) => seatsAvailable === 0) ? 'soldOut' : 'open';
}
