import * as http from '@tutti/contracts/http';

/** A place on the plan in metres; the middle of the stage's edge is at 0, 0. */
export type Point = { readonly x: number; readonly y: number };

export type PlanSeat = Point & { readonly seatId: string };

/**
 * Seats side by side in one row, without an aisle between them; `first` is the index of the first. None of them is further
 * than `reach` from the block's middle.
 */
export type Block = Point & {
  readonly first: number;
  readonly count: number;
  readonly grade: string;
  readonly price: number;
  readonly reach: number;
};

/** A seat map as the choice of seats needs it. A seat's place in `seats` is its index. */
export type SeatPlan = {
  readonly version: number;
  readonly seats: readonly PlanSeat[];
  readonly indexes: ReadonlyMap<string, number>;
  readonly blocks: readonly Block[];
};

type Section = ReturnType<typeof readMap>['sections'][number];
type MapSeat = Section['seats'][number];

/** An aisle is wider than this many times the distance at which the section's seats stand. */
const aisleTimes = 1.6;

const readMap = (body: string) => http.seatMap.parse(JSON.parse(body));

export function planOf(body: string): SeatPlan {
  const { version, sections } = readMap(body);
  const seats = sections.flatMap((section) => section.seats.map(({ seatId, x, y }) => ({ seatId, x, y })));
  const blocks: Block[] = [];
  let first = 0;
  for (const section of sections) {
    blocks.push(...blocksOf(section, first));
    first += section.seats.length;
  }
  return { version, seats, blocks, indexes: new Map(seats.map(({ seatId }, index) => [seatId, index])) };
}

function blocksOf({ grade, price, seats }: Section, offset: number): Block[] {
  const gapMax = aisleTimes * usualGap(seats);
  const blocks: Block[] = [];
  let start = 0;
  for (let at = 1; at <= seats.length; at++) {
    const [left, right] = [seats[at - 1], seats[at]];
    if (left && right && areNeighbours(left, right) && distance(left, right) <= gapMax) continue;
    const those = seats.slice(start, at);
    const middle = middleOf(those);
    const reach = Math.max(...those.map((seat) => distance(seat, middle)));
    blocks.push({ first: offset + start, count: those.length, grade, price, ...middle, reach });
    start = at;
  }
  return blocks;
}

const areNeighbours = (left: MapSeat, right: MapSeat): boolean =>
  left.row === right.row && Math.abs(right.number - left.number) === 1;

/** Nearly the smallest: a drawing may have a few seats that stand closer, and short rows may have as many aisles as gaps. */
function usualGap(seats: readonly MapSeat[]): number {
  const gaps = seats.flatMap((seat, at) => {
    const next = seats[at + 1];
    return next && areNeighbours(seat, next) ? [distance(seat, next)] : [];
  });
  return gaps.toSorted((a, b) => a - b)[Math.floor(gaps.length / 10)] ?? 0;
}

export const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);

export const middleOf = (points: readonly Point[]): Point => ({
  x: points.reduce((sum, { x }) => sum + x, 0) / points.length,
  y: points.reduce((sum, { y }) => sum + y, 0) / points.length,
});
