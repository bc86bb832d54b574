import { queryOptions, useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query';
import { estimatedWait, nextPollMs, numberOf, type Interval } from '@tutti/contracts/line';
import { useState } from 'react';
import { serverNow } from './api/clock.ts';
import { keptPlace, readQueue, takePlace, type Place, type Queue } from './api/line.ts';
import { isRefusal } from './api/refusal.ts';

/** Where this fan stands, from their own place, the document that is the same for everyone, and what they were told at the door. */
export type Standing = {
  readonly place: Place | undefined;
  readonly queue: Queue | undefined;
  /** Not known before there is a document, unless a refusal told it. */
  readonly phase: Queue['phase'] | undefined;
  /** Not known before the opening. */
  readonly number: number | undefined;
  /** How many are called before this fan is. */
  readonly ahead: number | undefined;
  readonly isTurn: boolean;
  readonly wait: Interval | undefined;
};

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

const distanceOf = (place: Place | undefined, queue: Queue | undefined): number | undefined => {
  const number = numberIn(place, queue);
  return number === undefined || !queue ? undefined : number - queue.serving;
};

/** Whether to ask to be let in. That it is so is known only from the answer: the visit may be over, or every slot taken. */
export const isCalled = (place: Place | undefined, queue: Queue | undefined): boolean =>
  queue?.phase === 'open' && (place?.status === 'admitted' || (distanceOf(place, queue) ?? 1) <= 0);

const waitIn = ({ serving, pacePerSecond, later }: Queue, distance: number): Interval | undefined =>
  estimatedWait(
    distance,
    pacePerSecond,
    later && { after: later.from - serving, pacePerSecond: later.pacePerSecond },
  );

/** A refusal is newer than the document. */
function phaseIn(queue: Queue | undefined, refusal: unknown): Queue['phase'] | undefined {
  if (isRefusal(refusal, 'sale_closed')) return 'closed';
  if (isRefusal(refusal, 'sold_out')) return 'sold_out';
  if (isRefusal(refusal, 'sale_paused')) return 'paused';
  return queue?.phase;
}

/** With the last refusal, of a place or of the way in, as long as it stands. */
export function standingOf(place: Place | undefined, queue: Queue | undefined, refusal?: unknown): Standing {
  const phase = phaseIn(queue, refusal);
  const toldAhead = isRefusal(refusal, 'not_your_turn') ? (refusal.number('ahead') ?? 0) : undefined;
  const distance = toldAhead === undefined ? distanceOf(place, queue) : toldAhead + 1;
  return {
    place,
    queue,
    phase,
    number: numberIn(place, queue),
    ahead: distance === undefined ? undefined : Math.max(0, distance - 1),
    isTurn: phase === 'open' && isCalled(place, queue) && toldAhead === undefined,
    wait: distance === undefined || !queue ? undefined : waitIn(queue, distance),
  };
}

/** How it went so far with something that is asked again and again, in milliseconds since 1970. */
type Asked = { readonly error: unknown; readonly errorUpdatedAt: number; readonly dataUpdatedAt: number };

const retryMs = { first: 2_000, most: 20_000, mostAfterNo: 60_000 };

/**
 * When to ask again after a failure: soon at first, then ever more seldom. Also after a no: seats come back, and a line may only
 * just have been made. `draw` (0 ≤ x < 1) is this fan's part of the jitter: the same at each rendering, which would otherwise
 * start the timer anew.
 */
export function retryMsOf(
  { error, errorUpdatedAt, dataUpdatedAt }: Asked,
  startedAt: number,
  draw: number,
): number {
  const isNo = isRefusal(error) && error.status < 500 && !isRefusal(error, 'rate_limited', 'request_timeout');
  const asked = isRefusal(error) ? (error.retryAfterSeconds ?? 0) * 1_000 : 0;
  const silentMs = errorUpdatedAt - Math.max(dataUpdatedAt, startedAt);
  const grown = Math.min(isNo ? retryMs.mostAfterNo : retryMs.most, Math.max(retryMs.first, silentMs / 4));
  return Math.max(asked, grown) * (1 + draw / 4);
}

/** When this fan reads the document again: the nearer the turn, the sooner. */
export function pollMsOf(place: Place | undefined, queue: Queue, draw: number): number | false {
  const { phase, pacePerSecond, pollAfterSeconds, opensAt } = queue;
  const opensInSeconds = Math.max(0, (Date.parse(opensAt) - serverNow()) / 1_000);
  const waiting = {
    ahead: distanceOf(place, queue),
    pacePerSecond,
    pollAfterSeconds,
    phase,
    opensInSeconds,
  };
  return nextPollMs(waiting, () => draw) ?? false;
}

type Fan = { readonly userId: string; readonly concertId: string };
type Pace = { readonly startedAt: number; readonly draw: number };

// The next time of asking is the retry: a retry of its own would stop in a tab that nobody sees, and the line with it.
const untilAnswered = { retry: false, refetchIntervalInBackground: true };
const placeKey = ({ userId, concertId }: Fan) => ['fan', userId, 'place', concertId];

const placeQuery = (fan: Fan, { startedAt, draw }: Pace) =>
  queryOptions({
    ...untilAnswered,
    queryKey: placeKey(fan),
    queryFn: () => takePlace(fan.userId, fan.concertId),
    // What was kept stands at once; the server is asked anyway: it may know the number by now.
    initialData: () => keptPlace(fan.userId, fan.concertId),
    initialDataUpdatedAt: 0,
    staleTime: Infinity,
    refetchOnMount: 'always',
    refetchInterval: ({ state }) => state.error !== null && retryMsOf(state, startedAt, draw),
  });

export const queueQuery = (queries: QueryClient, fan: Fan, { startedAt, draw }: Pace) =>
  queryOptions({
    ...untilAnswered,
    queryKey: ['queue', fan.concertId],
    queryFn: ({ signal }) => readQueue(fan.concertId, signal),
    refetchInterval: ({ state }) => {
      if (state.error !== null) return retryMsOf(state, startedAt, draw);
      return state.data ? pollMsOf(queries.getQueryData<Place>(placeKey(fan)), state.data, draw) : false;
    },
  });

export function useLine(userId: string, concertId: string) {
  const queries = useQueryClient();
  const [pace] = useState(() => ({ startedAt: Date.now(), draw: Math.random() }));
  const place = useQuery(placeQuery({ userId, concertId }, pace));
  const queue = useQuery(queueQuery(queries, { userId, concertId }, pace));
  return { place, queue };
}
