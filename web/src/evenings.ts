import { queryOptions, useQueries } from '@tanstack/react-query';
import { get } from './api/client.ts';
import { concertQuery } from './api/queries.ts';
import type { Concert, OnePerformance } from './api/wire.ts';

/** A performance with the concert it belongs to. */
export type Evening = { readonly concert: Concert; readonly performance: OnePerformance };

/** Any date, also one that is over: the list of dates has only those that can be booked, and a ticket is kept for longer. */
export const performanceQuery = (performanceId: string) =>
  queryOptions({
    queryKey: ['performance', performanceId],
    queryFn: ({ signal }) => get<OnePerformance>(`/performances/${performanceId}`, signal),
    staleTime: Infinity,
  });

/** The evenings of some reservations by their performances: a reservation names nothing but that. */
export function useEvenings(performanceIds: readonly string[]): ReadonlyMap<string, Evening> {
  const performances = useQueries({
    queries: [...new Set(performanceIds)].map(performanceQuery),
    combine: (answers) => answers.flatMap(({ data }) => data ?? []),
  });
  const concertIds = [...new Set(performances.map(({ concertId }) => concertId))];
  const concerts = useQueries({
    queries: concertIds.map((concertId) => ({ ...concertQuery(concertId), staleTime: Infinity })),
    combine: (answers) => answers.flatMap(({ data }) => data ?? []),
  });
  return new Map(
    performances.flatMap((performance): [string, Evening][] => {
      const concert = concerts.find(({ concertId }) => concertId === performance.concertId);
      return concert ? [[performance.performanceId, { concert, performance }]] : [];
    }),
  );
}
