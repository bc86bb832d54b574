import type { Interval } from '@tutti/contracts/line';
import { nextMove, paceOf, waitOf, type Call } from './line.ts';

/** mulberry32: the same row of numbers for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Crowd = {
  /** The part of the fans that comes when called, and the part that comes minutes later. */
  readonly showUp: number;
  readonly sleepers: number;
  readonly random: () => number;
  readonly minutes: number;
  readonly inside?: number;
  readonly issued?: number;
  /** How far behind the turn those stand who ask how long it takes, and when they ask. */
  readonly askedWithin?: number;
  readonly askedBetweenSeconds?: readonly [number, number];
  /** When every seat is held or paid. */
  readonly fullBetweenSeconds?: readonly [number, number];
};

type Asked = { readonly number: number; readonly at: number; readonly interval: Interval };

const pace = 20;
const windowSeconds = 300;
const doorSeconds = 10;

/** A sale second by second: the figures that the real one reads from its rows, here from lists. */
export function simulate({
  showUp,
  sleepers,
  random,
  minutes,
  inside = 100,
  issued = 200_000,
  askedWithin = 1_500,
  askedBetweenSeconds: [askedFrom, askedUntil] = [21, minutes * 30],
  fullBetweenSeconds = [-1, -1],
}: Crowd) {
  const endsAt: number[] = [];
  const exits: number[] = [];
  const calls: { at: number; first: number; last: number; came: number }[] = [];
  const arrivals: { at: number; number: number }[] = [];
  const door: number[] = [];
  const asked: Asked[] = [];
  const foretold: (Interval & { true: number })[] = [];
  const [warmSeconds, seconds] = [60, minutes * 60];
  let [serving, credit, used, insideMost, servedWhileFull, servedAfterwards] = [0, 0, 0, 0, 0, 0];
  /** Minutes mostly: some look and go, some choose long and pay. */
  const visit = (): number => 30 - Math.log(1 - random()) * 150;

  const letIn = (now: number, number: number): void => {
    endsAt.push(now + Math.min(600, visit()));
    const call = calls.find(({ first, last }) => first <= number && number <= last);
    if (call) call.came++;
  };

  for (let now = 0; now < seconds; now++) {
    for (let at = endsAt.length - 1; at >= 0; at--)
      if ((endsAt[at] ?? 0) <= now) {
        endsAt.splice(at, 1);
        exits.push(now);
      }
    while (exits[0] !== undefined && exits[0] < now - windowSeconds) exits.shift();
    for (let at = arrivals.length - 1; at >= 0; at--)
      if ((arrivals[at]?.at ?? 0) <= now) {
        const [one] = arrivals.splice(at, 1);
        if (one) door.push(one.number);
      }
    door.sort((a, b) => a - b);
    while (endsAt.length < inside && door.length > 0) letIn(now, door.shift() ?? 0);

    insideMost = Math.max(insideMost, endsAt.length);
    if (now >= warmSeconds) used += endsAt.length / inside / (seconds - warmSeconds);
    const isFull = now >= fullBetweenSeconds[0] && now < fullBetweenSeconds[1];
    const known: Call[] = calls
      .filter(({ at }) => at > now - windowSeconds)
      .map(({ at, first, last, came }) => ({ ageSeconds: now - at, called: last - first + 1, came }));
    const figures = {
      inside,
      taken: endsAt.length,
      atDoor: Math.min(door.length, doorSeconds * pace),
      serving,
      issued,
      pace,
      left: isFull ? 0 : 1_000,
      exits: exits.length,
      windowSeconds: Math.max(1, Math.min(windowSeconds, now)),
      calls: known,
    };
    const next = nextMove(figures, credit, 1);
    credit = next.credit;
    if (next.serving > serving) {
      if (isFull) servedWhileFull++;
      else if (now >= fullBetweenSeconds[1]) servedAfterwards++;
      calls.push({ at: now, first: serving + 1, last: next.serving, came: 0 });
      for (let number = serving + 1; number <= next.serving; number++) {
        const fate = random();
        // A document a second old, a poll every other second, and a moment to go.
        if (fate < showUp - sleepers) arrivals.push({ at: now + 1 + random() * 4, number });
        else if (fate < showUp) arrivals.push({ at: now + 60 + random() * 600, number });
      }
      serving = next.serving;
      for (let at = asked.length - 1; at >= 0; at--)
        if ((asked[at]?.number ?? 0) <= serving) {
          const [one] = asked.splice(at, 1);
          if (one) foretold.push({ ...one.interval, true: now - one.at });
        }
    }
    // Somebody asks how long it will take, from near the turn to the far end of what this run will serve.
    if (now >= askedFrom && now < askedUntil) {
      const number = Math.min(issued, serving + 1 + Math.floor(random() ** 2 * askedWithin));
      asked.push({
        number,
        at: now,
        interval: waitOf(number - serving, paceOf({ ...figures, serving }), serving),
      });
    }
  }
  return { inUse: used, insideMost, inside, foretold, servedWhileFull, servedAfterwards };
}
