import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { get } from './client.ts';
import { serverNow } from './clock.ts';
import type {
  Balance,
  Concert,
  Me,
  Operation,
  Page,
  Performance,
  PointEntry,
  Reservation,
  SeatMapLayout,
  Ticket,
} from './wire.ts';

/** What this app reads, each with its key: whoever changes something names the key. */
const seconds = 1_000;

/** A season is some dozens of concerts: all of them are read, so that search finds each. */
async function everyPage<T>(path: string, signal: AbortSignal): Promise<T[]> {
  const items: T[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: Page<T> = await get<Page<T>>(`${path}?limit=100${cursor && `&cursor=${cursor}`}`, signal);
    items.push(...page.items);
    cursor = page.nextCursor;
  }
  return items;
}

export const concertsQuery = queryOptions({
  queryKey: ['concerts'],
  queryFn: ({ signal }) => everyPage<Concert>('/concerts', signal),
  staleTime: 15 * seconds,
});

/** This page's part of every jitter: the same at each rendering, which would otherwise start the timer anew. */
const draw = Math.random();

/** When a sale that stands may have gone on: a paused one at any moment, a scheduled one at its opening, which may be moved. */
export function saleAgainMs({
  saleState,
  onSaleAt,
}: Pick<Concert, 'saleState' | 'onSaleAt'>): number | false {
  if (saleState !== 'paused' && saleState !== 'scheduled') return false;
  const opensInMs = Date.parse(onSaleAt) - serverNow();
  const ms = saleState === 'paused' ? 5 * seconds : Math.min(60 * seconds, Math.max(seconds, opensInMs));
  // A crowd that waits for the same moment shall not ask in the same one.
  return ms + seconds * draw;
}

export const concertQuery = (concertId: string) =>
  queryOptions({
    queryKey: ['concert', concertId],
    queryFn: ({ signal }) => get<Concert>(`/concerts/${concertId}`, signal),
    staleTime: 5 * seconds,
    refetchInterval: ({ state }) => (state.data ? saleAgainMs(state.data) : false),
  });

export const performancesQuery = (concertId: string) =>
  queryOptions({
    queryKey: ['performances', concertId],
    queryFn: ({ signal }) => everyPage<Performance>(`/concerts/${concertId}/performances`, signal),
    staleTime: 5 * seconds,
  });

export const seatMapQuery = (performanceId: string) =>
  queryOptions({
    queryKey: ['seat-map', performanceId],
    queryFn: ({ client, queryKey, signal }) => {
      // What the browser keeps for a minute is the map that was found to be an old one.
      const cache = client.getQueryData(queryKey) ? 'no-cache' : 'default';
      return get<SeatMapLayout>(`/performances/${performanceId}/seat-map`, signal, cache);
    },
    staleTime: Infinity,
  });

export const meQuery = (userId: string) =>
  queryOptions({
    queryKey: ['fan', userId, 'me'],
    queryFn: ({ signal }) => get<Me>('/users/me', signal),
    staleTime: 60 * seconds,
  });

export const balanceQuery = (userId: string) =>
  queryOptions({
    queryKey: ['fan', userId, 'balance'],
    queryFn: ({ signal }) => get<Balance>('/points', signal),
  });

export const reservationQuery = (userId: string, reservationId: string) =>
  queryOptions({
    queryKey: ['fan', userId, 'reservation', reservationId],
    queryFn: ({ signal }) => get<Reservation>(`/reservations/${reservationId}`, signal),
  });

/** The same for as long as it is paid. */
export const ticketQuery = (userId: string, reservationId: string) =>
  queryOptions({
    queryKey: ['fan', userId, 'ticket', reservationId],
    queryFn: ({ signal }) => get<Ticket>(`/reservations/${reservationId}/ticket`, signal),
    staleTime: Infinity,
  });

const nextPage = { initialPageParam: '', getNextPageParam: (page: Page<unknown>) => page.nextCursor };
const after = (cursor: string): string => (cursor === '' ? '' : `&cursor=${cursor}`);

export const reservationsQuery = (userId: string) =>
  infiniteQueryOptions({
    queryKey: ['fan', userId, 'reservations'],
    queryFn: ({ pageParam, signal }) =>
      get<Page<Reservation>>(`/reservations?limit=20${after(pageParam)}`, signal),
    ...nextPage,
  });

export const entriesQuery = (userId: string) =>
  infiniteQueryOptions({
    queryKey: ['fan', userId, 'entries'],
    queryFn: ({ pageParam, signal }) =>
      get<Page<PointEntry>>(`/points/entries?limit=20${after(pageParam)}`, signal),
    ...nextPage,
  });

export const operationQuery = (userId: string, operationId: string) =>
  queryOptions({
    queryKey: ['fan', userId, 'operation', operationId],
    queryFn: ({ signal }) => get<Operation>(`/operations/${operationId}`, signal),
    refetchInterval: ({ state }) =>
      state.data?.status === 'running' || state.data?.status === 'compensating' ? seconds : false,
  });
