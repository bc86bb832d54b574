import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { seatMapQuery } from './api/queries.ts';
import type { SeatMapLayout } from './api/wire.ts';
import type { Availability } from './seat-map/index.ts';

/** All who look on hear of another map at the same moment, and shall not ask for it at the same moment. */
const againMs = { least: 1_000, most: 3_000 };

/**
 * Whether the states are those of this map: indexes mean nothing in another version. Where they are not, as after a change of
 * prices, the map is read again until they are; a server may be a moment behind another.
 */
export function useSameMap(
  performanceId: string,
  { version }: Pick<SeatMapLayout, 'version'>,
  availability: Availability | undefined,
): boolean {
  const queries = useQueryClient();
  const isSame = availability === undefined || availability.version === version;
  useEffect(() => {
    if (isSame) return;
    const ms = againMs.least + (againMs.most - againMs.least) * Math.random();
    const { queryKey } = seatMapQuery(performanceId);
    // A large map on a slow connection may take longer than that.
    const read = () => void queries.invalidateQueries({ queryKey }, { cancelRefetch: false });
    const timer = setInterval(read, ms);
    return () => clearInterval(timer);
  }, [isSame, performanceId, queries]);
  return isSame;
}
