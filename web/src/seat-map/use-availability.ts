import { useQuery } from '@tanstack/react-query';
import { get } from '../api/client.ts';
import type { SeatList } from '../api/wire.ts';
import type { Availability } from './types.ts';

const stateOf = { available: 0, reserved: 1, paid: 2 } as const;

/** Stands in until bytes and stream are there: asks every three seconds. */
export function useAvailability(performanceId: string): Availability | undefined {
  const { data } = useQuery({
    queryKey: ['availability', performanceId],
    queryFn: ({ signal }) => get<SeatList>(`/performances/${performanceId}/seats`, signal),
    refetchInterval: 3_000,
    select: ({ version, sequence, seats }): Availability => ({
      version,
      sequence,
      states: Uint8Array.from(seats, ({ status }) => stateOf[status]),
      freshness: 'polled',
    }),
  });
  return data;
}
