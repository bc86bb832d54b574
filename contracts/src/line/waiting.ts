// How a fan's client waits. Nobody tells it that its turn has come: it reads the public document, which is the same
// for everyone, and computes from its distance when to read it again. Far away that is seldom, near the turn as often
// as the document changes. So a crowd costs the caches little, and the origin nothing more than a few fans do.

export type Phase = 'pre_queue' | 'open' | 'paused' | 'sold_out' | 'closed';

/** No client stays silent longer, before jitter: the promoter may speed the sale up at any time. */
const silenceSecondsMax = 60;
/** Asks again after a quarter of the way: found out in time although `serving` runs up to three times as fast. */
const partOfTheWay = 4;
/** A slow or paused sale may go on at any moment: distances count as if it served at least so many a second. */
const paceAssumedMin = 10;
/** Up to so much more than the rule says, so that those who came together do not stay together. */
const jitter = 0.25;
/** At the opening nobody knows yet who is first, so all ask once; over so many seconds. */
const openingSpreadSeconds = 10;

export interface Waiting {
  /** How many numbers are to be served before this one; at the turn and after it 0 or less. Not known before opening. */
  readonly ahead?: number | undefined;
  /** How fast `serving` moves. */
  readonly pacePerSecond: number;
  /** How long the document is worth keeping: no client asks again sooner. */
  readonly pollAfterSeconds: number;
  readonly phase: Phase;
  /** In the pre-queue. */
  readonly opensInSeconds?: number | undefined;
}

/** When to read the public document again; nothing when there is nothing more to come. `random` gives 0 ≤ x < 1. */
export function nextPollMs(waiting: Waiting, random: () => number = Math.random): number | undefined {
  const { ahead, pacePerSecond, pollAfterSeconds, phase } = waiting;
  if (phase === 'closed') return undefined;
  if (phase === 'pre_queue') return beforeOpeningMs(waiting, random());
  const silence = Math.max(silenceSecondsMax, pollAfterSeconds);
  // Nobody's turn comes from a sold-out sale unless seats come back, and that is told to all alike.
  if (phase === 'sold_out' || ahead === undefined) return jitteredMs(silence, random());
  const waitSeconds = Math.max(0, ahead) / Math.max(pacePerSecond, paceAssumedMin);
  return jitteredMs(clamp(waitSeconds / partOfTheWay, pollAfterSeconds, silence), random());
}

function beforeOpeningMs({ opensInSeconds = 0, pollAfterSeconds }: Waiting, random: number): number {
  const silence = Math.max(silenceSecondsMax, pollAfterSeconds);
  // The opening may be moved, so far ahead of it clients look now and then; the last look before it is the one after it.
  if (opensInSeconds > silence * (1 + jitter)) return jitteredMs(silence, random);
  return Math.round(1000 * (Math.max(opensInSeconds, pollAfterSeconds) + openingSpreadSeconds * random));
}

const jitteredMs = (seconds: number, random: number): number =>
  Math.round(1000 * seconds * (1 + jitter * random));

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** How wrong a pace measured over the last minutes is about the next ones, as a standard deviation. */
const paceError = 0.2;
/** Nine in ten of a normal distribution are within so many standard deviations. */
const deviations = 1.645;

/** The pace from a number on that is `after` ahead of whose turn it is now: the room inside is full then, and who comes waits for who goes. */
export interface LaterPace {
  readonly after: number;
  readonly pacePerSecond: number;
}

/**
 * Seconds until the turn, as an interval that shall contain the true wait of nine fans in ten (eight are promised).
 * Two things blur it: `serving` moves in chance steps (Poisson: the square root of the distance), which rules near the
 * turn, and the pace itself changes, which rules far away. Nothing is said of a sale that stands.
 */
export function estimatedWait(ahead: number, pacePerSecond: number, later?: LaterPace): Interval | undefined {
  if (ahead <= 0) return { low: 0, high: 0 };
  if (!(pacePerSecond > 0) || (later && !(later.pacePerSecond > 0))) return undefined;
  const blur = deviations * Math.hypot(Math.sqrt(ahead), paceError * ahead);
  const soon = Math.max(0, later?.after ?? Infinity);
  const secondsFor = (numbers: number): number =>
    Math.min(numbers, soon) / pacePerSecond + Math.max(0, numbers - soon) / (later?.pacePerSecond ?? 1);
  return {
    low: Math.floor(secondsFor(Math.max(0, ahead - blur))),
    high: Math.ceil(secondsFor(ahead + blur)),
  };
}
