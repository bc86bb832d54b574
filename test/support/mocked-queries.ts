import type { SaleControls, SaleQueries, WaitingRoomQueries } from '@tutti/contracts';
import { vi, type Mock } from 'vitest';

/** Queries of which a test says what they answer. */
export type Mocked<Queries> = { [Name in keyof Queries]: Queries[Name] & Mock };

export const mockedSales = (): Mocked<SaleQueries & SaleControls> => ({
  sales: vi.fn(),
  recordAdmissions: vi.fn(),
  settleAdmissions: vi.fn(),
  guarded: vi.fn(),
  sale: vi.fn(),
  changeSale: vi.fn(),
});

export const mockedLine = (): Mocked<WaitingRoomQueries> => ({
  join: vi.fn(),
  queue: vi.fn(),
  joins: vi.fn(),
  admit: vi.fn(),
  leave: vi.fn(),
});
