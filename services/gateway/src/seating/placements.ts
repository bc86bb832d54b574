import { seatCodeAt, seatCodes } from '@tutti/contracts';
import { distance, middleOf, type Block, type Point, type SeatPlan } from './seat-plan.ts';

/**
 * Which seats to offer. Pure: a plan, what is left of it, and a wish make a list of placements, each of them seats side by
 * side without an aisle between them. Nothing is held by being offered; whoever reserves first has them.
 */
export type Placement = { readonly first: number; readonly count: number };

type Ranked = Placement & { readonly cost: number };

/** As many as fit on a phone beside what was lost. */
export const alternativesMax = 3;
/** Metres that a placement is worth less for each seat that it leaves alone. */
const lonelyCost = 2;
/** A metre beside the middle of the stage costs as much as half a metre further away. */
const sidewaysCost = 0.5;
/** So many of the best, or this part of all, count as nearly equal. */
const nearlyEqual = { least: 12, part: 0.05 };

/**
 * The seats nearest to those that were wanted: so many together, of the same grade and price, none of those wanted, the nearest first
 * and none in two of them.
 */
export function alternatives(
  plan: SeatPlan,
  seats: Uint8Array,
  wanted: readonly number[],
  together = wanted.length,
): Placement[] {
  const [target = -1] = wanted;
  const from = blockAt(plan.blocks, target);
  const like = plan.blocks[from];
  if (!like) return [];
  const middle = middleOf(wanted.flatMap((index) => plan.seats[index] ?? []));
  const asked: Asked = {
    together,
    isOffered: (index) => isLeft(seats, index) && !wanted.includes(index),
    cost: (first, last) => costOf(plan, first, last, (at) => distance(at, middle)),
  };
  let found: Ranked[] = [];
  for (const block of outwards(plan.blocks, from)) {
    if (block.grade !== like.grade || block.price !== like.price) continue;
    // Where nothing can be nearer than what was found, nobody looks.
    const worst = found[alternativesMax - 1]?.cost ?? Number.POSITIVE_INFINITY;
    if (distance(block, middle) - block.reach > worst) continue;
    const runs = runsIn(block, asked, worst);
    if (runs.length > 0)
      found = [...found, ...apart(runs, alternativesMax)].toSorted(byCost).slice(0, alternativesMax);
  }
  return found.map(placement);
}

/** From one on, to both sides: blocks that follow each other on the map are mostly near each other, so that little is looked at. */
function* outwards(blocks: readonly Block[], from: number): Generator<Block> {
  for (let step = 0; step < blocks.length; step++) {
    const [before, after] = [blocks[from - step], blocks[from + step]];
    if (before && step > 0) yield before;
    if (after) yield after;
  }
}

/** The best of what is left, and how many of them are so nearly equal that any may be given: then a crowd spreads. */
export function bestPlacements(
  plan: SeatPlan,
  seats: Uint8Array,
  wish: { readonly together: number; readonly grade?: string | undefined },
): Placement[] {
  const left = (index: number) => isLeft(seats, index);
  const blocks = plan.blocks.filter(({ grade }) => wish.grade === undefined || grade === wish.grade);
  const ranked = blocks.flatMap((block) => {
    const cost = (first: number, last: number) =>
      costOf(plan, first, last, fromStage) + lonelyCost * leftAlone(block, first, last, left);
    const asked = { together: wish.together, isOffered: left, cost };
    return apart(runsIn(block, asked, Number.POSITIVE_INFINITY));
  });
  const equal = Math.max(nearlyEqual.least, Math.ceil(ranked.length * nearlyEqual.part));
  return ranked.toSorted(byCost).slice(0, equal).map(placement);
}

/** Up to `most` of them, each as likely as any other; `random` is 0 to 1. */
export function drawn(placements: readonly Placement[], most: number, random: () => number): Placement[] {
  const rest = [...placements];
  const chosen: Placement[] = [];
  while (chosen.length < most && rest.length > 0)
    chosen.push(...rest.splice(Math.min(rest.length - 1, Math.floor(random() * rest.length)), 1));
  return chosen;
}

export const seatIdsOf = (plan: SeatPlan, { first, count }: Placement): string[] =>
  plan.seats.slice(first, first + count).map(({ seatId }) => seatId);

const isLeft = (seats: Uint8Array, index: number): boolean =>
  seatCodeAt(seats, index) === seatCodes.available;

/** Which block a seat is in, -1 for none. Blocks are in the order of their seats. */
export function blockAt(blocks: readonly Block[], index: number): number {
  let [from, to] = [0, blocks.length - 1];
  while (from <= to) {
    const at = (from + to) >> 1;
    const { first = 0, count = 0 } = blocks[at] ?? {};
    if (index < first) to = at - 1;
    else if (index >= first + count) from = at + 1;
    else return at;
  }
  return -1;
}

type Asked = {
  readonly together: number;
  readonly isOffered: (index: number) => boolean;
  readonly cost: (first: number, last: number) => number;
};

/** Every run of a block that costs at most so much, the cheapest first. Called for most seats of a hall: nothing is made in vain. */
function runsIn({ first, count }: Block, { together, isOffered, cost }: Asked, most: number): Ranked[] {
  const runs: Ranked[] = [];
  let free = 0;
  for (let last = first; last < first + count; last++) {
    free = isOffered(last) ? free + 1 : 0;
    if (free < together) continue;
    const price = cost(last - together + 1, last);
    if (price <= most) runs.push({ first: last - together + 1, count: together, cost: price });
  }
  return runs.toSorted(byCost);
}

/** The cheapest, then the cheapest that has no seat of it, and so on. */
function apart(ranked: readonly Ranked[], most = Number.POSITIVE_INFINITY): Ranked[] {
  const chosen: Ranked[] = [];
  for (const run of ranked) {
    if (chosen.length >= most) break;
    if (chosen.every((other) => Math.abs(other.first - run.first) >= run.count)) chosen.push(run);
  }
  return chosen;
}

const byCost = (a: Ranked, b: Ranked): number => a.cost - b.cost || a.first - b.first;
const placement = ({ first, count }: Ranked): Placement => ({ first, count });

/** How many seats beside the run would have nobody next to them. */
function leftAlone(block: Block, first: number, last: number, left: (index: number) => boolean): number {
  const isThere = (index: number) => index >= block.first && index < block.first + block.count && left(index);
  const isAlone = (index: number, beyond: number) => isThere(index) && !isThere(beyond);
  return Number(isAlone(first - 1, first - 2)) + Number(isAlone(last + 1, last + 2));
}

function costOf({ seats }: SeatPlan, first: number, last: number, cost: (at: Point) => number): number {
  const [one, other] = [seats[first], seats[last]];
  return one && other ? cost(middleOfRun(one, other)) : Number.POSITIVE_INFINITY;
}

/** Half way between its ends: a run is straight, or nearly so. */
const middleOfRun = (one: Point, other: Point): Point => ({
  x: (one.x + other.x) / 2,
  y: (one.y + other.y) / 2,
});

const fromStage = ({ x, y }: Point): number => Math.abs(y) + sidewaysCost * Math.abs(x);
