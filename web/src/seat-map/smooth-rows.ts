// Places come rounded to tenths of a metre, which is a sixth of a seat: drawn as told, rows look crooked and seats unevenly
// spaced. Between neighbours the rounding averages out.

type Point = { readonly x: number; readonly y: number };

/** How far a seat may be moved, in metres: somewhat more than the rounding. */
const correctionMax = 0.08;
const neighbours = 5;

/** Rows of one section, front to back, each along its seats. */
export function smoothRows(rows: readonly (readonly Point[])[]): Point[][] {
  const straight = rows.map((row) => runsOf(row).flatMap(smoothLine));
  const middles = smoothLine(straight.map(middleOf));
  return straight.map((row, index) => {
    const [middle, wanted] = [middleOf(row), middles[index] ?? middleOf(row)];
    return row.map(({ x, y }, seat) =>
      near(rows[index]?.[seat], { x: x + wanted.x - middle.x, y: y + wanted.y - middle.y }),
    );
  });
}

/** An aisle is no rounding: seats on both sides of it have nothing to do with each other. */
function runsOf(row: readonly Point[]): Point[][] {
  const runs: Point[][] = [];
  const gaps = row.slice(1).map((point, index) => distance(point, row[index] ?? point));
  const usual = gaps.toSorted((one, other) => one - other)[gaps.length >> 1] ?? 0;
  for (const [index, point] of row.entries()) {
    const isNew = index === 0 || (gaps[index - 1] ?? 0) > usual + 0.35;
    if (isNew) runs.push([point]);
    else runs.at(-1)?.push(point);
  }
  return runs;
}

/** Each point on the parabola that fits its neighbours best. */
function smoothLine(points: readonly Point[]): Point[] {
  if (points.length < 4) return [...points];
  return points.map((_, at) => {
    const from = Math.max(0, at - neighbours);
    const near = points.slice(from, at + neighbours + 1);
    const share = at - from;
    return {
      x: fitted(
        near.map(({ x }) => x),
        share,
      ),
      y: fitted(
        near.map(({ y }) => y),
        share,
      ),
    };
  });
}

/** The value at `place` of the parabola through values at 0, 1, 2…, by least squares. */
function fitted(values: readonly number[], place: number): number {
  const middle = (values.length - 1) / 2;
  let [s2, s4, sum, first, second] = [0, 0, 0, 0, 0];
  for (const [index, value] of values.entries()) {
    const t = index - middle;
    s2 += t * t;
    s4 += t ** 4;
    sum += value;
    first += value * t;
    second += value * t * t;
  }
  const count = values.length;
  const bend = (count * second - s2 * sum) / (count * s4 - s2 * s2);
  const level = (sum - bend * s2) / count;
  const t = place - middle;
  return level + (first / s2) * t + bend * t * t;
}

/** What is not rounding is how the hall is built, and stays. */
const near = (told: Point | undefined, smooth: Point): Point =>
  told && distance(told, smooth) > correctionMax ? told : smooth;

const distance = (one: Point, other: Point): number => Math.hypot(one.x - other.x, one.y - other.y);

const middleOf = (row: readonly Point[]): Point => ({
  x: row.reduce((sum, { x }) => sum + x, 0) / row.length,
  y: row.reduce((sum, { y }) => sum + y, 0) / row.length,
});
