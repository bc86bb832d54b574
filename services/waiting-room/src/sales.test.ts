import { expect, test } from 'vitest';
import { phaseOf } from './sales.ts';
import type { SaleRow } from './store.ts';

const sale = (terms: Partial<SaleRow>): SaleRow => ({
  id: 1,
  concertId: 'afterglow',
  state: 'open',
  opensAt: '2026-01-01T11:00:00Z',
  opensInSeconds: -60,
  inside: 300,
  pace: 30,
  capacity: 1_000,
  held: 0,
  paid: 0,
  seatsLeft: [],
  secret: '',
  joined: 0,
  preQueueSize: 0,
  joinRoot: '',
  seed: 'drawn',
  serving: 0,
  paceNow: { perSecond: 0 },
  updatedAt: '2026-01-01T11:00:00Z',
  ...terms,
});

const notDrawn = { seed: null, preQueueSize: null, joinRoot: null } as const;

test.each([
  ['pre_queue', sale({ ...notDrawn, opensInSeconds: 60 })],
  ['open', sale({})],
  ['open', sale({ held: 1_000 })],
  ['paused', sale({ state: 'paused' })],
  ['paused', sale({ opensInSeconds: 60 })],
  ['sold_out', sale({ paid: 1_000 })],
  ['closed', sale({ state: 'closed', paid: 1_000 })],
  // All its performances have begun: nothing of it can be bought any more.
  ['closed', sale({ capacity: 0 })],
  // Its season is still being loaded.
  ['pre_queue', sale({ ...notDrawn, capacity: 0, opensInSeconds: 60 })],
] as const)('the phase is %s', (phase, row) => {
  expect(phaseOf(row)).toBe(phase);
});
