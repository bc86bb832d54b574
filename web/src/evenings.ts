import { useQueries, useQuery } from '@tanstack/react-query';
import { concertsQuery, performancesQuery } from './api/queries.ts';
import type { Concert, Performance } from './api/wire.ts';

/** A performance with the concert it belongs to. */
export type Evening = { readonly concert: Concert; readonly performance: Performance };

/** Every evening of the season by its performance: a reservation names nothing but that. */
export function useEvenings(): ReadonlyMap<string, Evening> {
  const { data: concerts = [] } = useQuery({ ...concertsQuery, staleTime: Infinity });
  return useQueries({
    queries: concerts.map(({ concertId }) => ({ ...performancesQuery(concertId), staleTime: Infinity })),
    combine: (answers) =>
      new Map(
        concerts.flatMap((concert, index) =>
          (answers[index]?.data ?? []).map((performance): [string, Evening] => [
            performance.performanceId,
            { concert, performance },
          ]),
        ),
      ),
  });
}
