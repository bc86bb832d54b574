import { useQuery, useQueryClient } from '@tanstack/react-query';
import { estimatedWait, nextPollMs, numberOf, type Interval } from '@tutti/contracts/line';
import { serverNow } from './api/clock.ts';
import { keptPlace, readQueue, takePlace, type Place, type Queue } from './api/line.ts';
import { isRefusal } from './api/refusal.ts';

/** Where this fan stands, from their own place and the document that is the same for everyone. */
export type Standing = {
  readonly place: Place | undefined;
  readonly queue: Queue | undefined;
  /** Not known before the opening. */
  readonly number: number | undefined;
  /** How many are called before this fan is. */
  readonly ahead: number | undefined;
  readonly isTurn: boolean;
  readonly wait: Interval | undefined;
};

const openingRetryMs = 1_000;

/** The number that is on the place, or the one that the published seed draws for this arrival. */
export function numberIn(place: Place | undefined, queue: Queue | undefined): number | undefined {
  if (place?.number !== undefined) return place.number;
  const { seed, preQueueSize } = queue ?? {};
  if (place?.arrival === undefined || seed === undefined || preQueueSize === undefined) return undefined;
  // Who came after the close of the pre-queue stands behind it, in order of arrival.
  return place.arrival < preQueueSize
    ? numberOf({ seed, preQueueSize, arrival: place.arrival })
    : place.arrival + 1;
}

export function standingOf(place: Place | undefined, queue: Queue | undefined): Standing {
  const number = numberIn(place, queue);
  const distance = number === undefined || !queue ? undefined : number - queue.serving;
  return {
    place,
    queue,
    number,
    ahead: distance === undefined ? undefined : Math.max(0, distance - 1),
    isTurn: distance !== undefined && distance <= 0,
    wait: distance === undefined || !queue ? undefined : estimatedWait(distance, queue.pacePerSecond),
  };
}

/** When this fan reads the document again: the nearer the turn, the sooner. */
export function pollMsOf(place: Place | undefined, queue: Queue | undefined): number | false {
  if (!queue) return openingRetryMs;
  const { phase, pacePerSecond, pollAfterSeconds, opensAt } = queue;
  const number = numberIn(place, queue);
  const ahead = number === undefined ? undefined : number - queue.serving;
  const opensInSeconds = Math.max(0, (Date.parse(opensAt) - serverNow()) / 1_000);
  return nextPollMs({ ahead, pacePerSecond, pollAfterSeconds, phase, opensInSeconds }) ?? false;
}

export function useLine(userId: string, concertId: string) {
  const queries = useQueryClient();
  const placeKey = ['fan', userId, 'place', concertId];
  const place = useQuery({
    queryKey: placeKey,
    queryFn: () => takePlace(userId, concertId),
    initialData: () => keptPlace(userId, concertId),
    // What was kept stands at once; the server is asked anyway: it may know the number by now.
    initialDataUpdatedAt: 0,
    staleTime: Infinity,
    retry: (failures, error) =>
      !isRefusal(error) || (isRefusal(error, 'overloaded', 'rate_limited') && failures < 8),
  });
  const queue = useQuery({
    queryKey: ['queue', concertId],
    queryFn: ({ signal }) => readQueue(concertId, signal),
    refetchInterval: ({ state }) => pollMsOf(queries.getQueryData<Place>(placeKey), state.data),
    refetchIntervalInBackground: true,
  });
  return { standing: standingOf(place.data, queue.data), place, queue };
}
