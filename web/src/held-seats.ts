import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import type { Attempt } from './api/attempt.ts';
import { get } from './api/client.ts';
import type { Page, Reservation } from './api/wire.ts';

/** Seats are held by one reservation at a time: whoever holds just the ones that were wished had the wish fulfilled. */
export function heldAmong(reservations: readonly Reservation[], wish: object): Reservation | null {
  const { performanceId, seatIds }: { performanceId?: unknown; seatIds?: unknown } = wish;
  if (!Array.isArray(seatIds)) return null;
  const wished = new Set(seatIds);
  const isIt = (one: Reservation): boolean =>
    one.performanceId === performanceId &&
    !['cancelled', 'expired'].includes(one.status) &&
    one.seats.length === wished.size &&
    one.seats.every(({ seatId }) => wished.has(seatId));
  return reservations.find(isIt) ?? null;
}

/**
 * Finds out what became of a wish whose answer was lost and cannot be asked for any more, because the turn has ended meanwhile:
 * the reservation is among the fan's newest.
 */
export function useHeldSeats(onFound: (held: Reservation) => void) {
  const [sought, seek] = useState<Attempt | null>(null);
  const found = useRef(onFound);
  useEffect(() => {
    found.current = onFound;
  });
  const { data: held, isLoading } = useQuery({
    queryKey: ['fan', sought?.userId, 'held', sought?.key],
    queryFn: async ({ signal }) => {
      const { items } = await get<Page<Reservation>>('/reservations?limit=20', signal);
      return sought && heldAmong(items, sought.body);
    },
    enabled: sought !== null,
    gcTime: 0,
  });
  useEffect(() => {
    if (held) found.current(held);
  }, [held]);
  return { seek, isSeeking: isLoading };
}
