import { estimatedWait, type Interval } from '@tutti/contracts/line';

// The rules of a line as functions of what is known: when whose turn it is, and how long the rest will wait. The cap is not
// here: it is the number of slot rows, so that a wrong guess makes somebody wait at the door and never lets one in too many.

/** Numbers that were called together. */
export type Call = { readonly ageSeconds: number; readonly called: number; readonly came: number };

export type Figures = {
  /** Slots, how many are taken, and how many fans stand at the door whose turn it is. */
  readonly inside: number;
  readonly taken: number;
  readonly atDoor: number;
  readonly serving: number;
  readonly issued: number;
  /** Fans a second at most, as the promoter set it. */
  readonly pace: number;
  /** Seats that are neither held nor paid. */
  readonly left: number;
  /** Fans who went out in the last `windowSeconds`. */
  readonly exits: number;
  readonly windowSeconds: number;
  readonly calls: readonly Call[];
};

/** A document is a moment old, a client asks every other second: who comes at all comes about this long after the call. */
const reaction = { earliestSeconds: 2, meanSeconds: 3 };
/** Before anything was seen: everybody comes, and a visit takes three minutes. So many fans' worth of that is believed. */
const prior = { showUpWeight: 10, visitSeconds: 180, visitsPart: 0.25 };
const showUpMin = 0.02;
/** Permissions to call that may be saved up: a mover that was away must not let everybody in at once. */
const savedSecondsMax = 2;

/** Of those who will come, the part that has not come yet. */
const stillComing = (ageSeconds: number): number =>
  Math.exp(-Math.max(0, ageSeconds - reaction.earliestSeconds) / reaction.meanSeconds);

/** The part of those called that comes at all. Calls of the last seconds count for what they can already have shown. */
export function showUpOf(calls: readonly Call[]): number {
  let came = prior.showUpWeight;
  let expected = prior.showUpWeight;
  for (const call of calls) {
    came += call.came;
    expected += Math.max(call.came, call.called * (1 - stillComing(call.ageSeconds)));
  }
  return Math.max(showUpMin, came / expected);
}

/** How many of those called are on their way. */
export function onTheirWay(calls: readonly Call[], showUp: number): number {
  return calls.reduce((sum, { ageSeconds, called, came }) => {
    const coming = showUp * stillComing(ageSeconds);
    return sum + (called - came) * (coming / (1 - showUp + coming));
  }, 0);
}

const exitsPerSecond = ({ exits, windowSeconds, inside }: Figures): number => {
  const priorExits = inside * prior.visitsPart;
  return (exits + priorExits) / (windowSeconds + prior.visitsPart * prior.visitSeconds);
};

export type Move = {
  readonly serving: number;
  /** What may be called later, in fans. */
  readonly credit: number;
};

/**
 * Whose turn it is next: as many numbers as it takes for the slots to stay in use, those who will not come included, and a
 * little ahead of those who are about to leave. Never backwards.
 */
export function nextMove(figures: Figures, credit: number, elapsedSeconds: number): Move {
  const { inside, taken, atDoor, serving, issued, pace, left, calls } = figures;
  const mostSaved = Math.max(1, pace * savedSecondsMax);
  const allowed = pace === 0 ? 0 : Math.min(mostSaved, credit + pace * elapsedSeconds);
  if (left <= 0) return { serving, credit: allowed };
  const showUp = showUpOf(calls);
  const leaving = exitsPerSecond(figures) * (reaction.earliestSeconds + reaction.meanSeconds);
  const buffer = taken + atDoor < inside ? 0 : leaving;
  const wanted = inside + Math.min(buffer, inside) - taken - atDoor - onTheirWay(calls, showUp);
  const needed = Math.round(Math.max(0, wanted) / showUp);
  const called = Math.min(needed, Math.floor(allowed / showUp + 1e-9), issued - serving);
  return { serving: serving + called, credit: allowed - called * showUp };
}

/** Numbers a second as it goes on from here; `later` from that number on, when there is no room inside any more. */
export type Pace = {
  readonly perSecond: number;
  readonly later?: { readonly from: number; readonly perSecond: number };
};

/**
 * By the promoter's pace while there is room inside, and those behind by who leaves; then as it went in the last minutes, which
 * also knows of those who come late; and before there were so many, by those who leave.
 */
export function paceOf(figures: Figures): Pace {
  const { inside, taken, atDoor, pace, calls, left, windowSeconds, serving, issued } = figures;
  if (left <= 0) return { perSecond: 0 };
  const showUp = showUpOf(calls);
  const room = inside - taken - atDoor - onTheirWay(calls, showUp);
  const whenFull = rounded(Math.min(pace, leavingPerSecond(figures)) / showUp);
  if (room > inside * 0.1) {
    const perSecond = rounded(pace / showUp);
    const from = serving + Math.round(room / showUp);
    return {
      perSecond,
      ...(from < issued && whenFull < perSecond && { later: { from, perSecond: whenFull } }),
    };
  }
  const called = calls.reduce((sum, call) => sum + call.called, 0);
  const isSettled = windowSeconds >= settledSeconds && called > 0;
  return { perSecond: isSettled ? rounded(called / windowSeconds) : whenFull };
}

/** Fans a second who will leave a full room, by how long those stayed who were seen to: most have come a moment ago at first. */
function leavingPerSecond({ inside, exits, calls, windowSeconds }: Figures): number {
  const stayed = calls.reduce((sum, { came, ageSeconds }) => sum + came * ageSeconds, 0);
  const seen = Math.min(stayed, inside * windowSeconds);
  const weight = inside * prior.visitsPart;
  return (inside * (exits + weight)) / (seen + weight * prior.visitSeconds);
}

/** After that the rush of the opening is out of the window. */
const settledSeconds = 300;

/** Two digits: what nobody could tell apart is no news, and the public document stays the same. */
const rounded = (value: number): number => (value === 0 ? 0 : Number(value.toPrecision(2)));

/** Slower than one in a hundred seconds nothing is foretold; the interval then only says that it takes long. */
const paceMin = 0.01;

/** Seconds for so many ahead of whom `serving` is where it is; a sale that stands is told as if it went on. */
export function waitOf(ahead: number, { perSecond, later }: Pace, serving: number): Interval {
  const then = later && { after: later.from - serving, pacePerSecond: Math.max(later.perSecond, paceMin) };
  return estimatedWait(ahead, Math.max(perSecond, paceMin), then) ?? { low: 0, high: 0 };
}

/** Before anything was seen: the room fills, and then every visit waits for one to end. */
export const paceAtOpening = ({ pace, inside }: Pick<Figures, 'pace' | 'inside'>): Pace => ({
  perSecond: pace,
  later: { from: inside, perSecond: Math.min(pace, inside / prior.visitSeconds) },
});

/** Before the opening: nobody knows their number, so from the first to the last. */
export const waitBeforeOpening = (
  opensInSeconds: number,
  issued: number,
  terms: Pick<Figures, 'pace' | 'inside'>,
): Interval => ({
  low: Math.max(0, Math.floor(opensInSeconds)),
  high: Math.max(0, Math.ceil(opensInSeconds)) + waitOf(issued, paceAtOpening(terms), 0).high,
});
