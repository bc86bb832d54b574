// The shape of a section's floor: around its outer seats.

type Point = { readonly x: number; readonly y: number };

/** Row ends that are this close to a straight side are on it: rows grow by whole seats, floors do not. */
const unevenMetres = 0.7;

/** x, y, x, y…: along the front row, up the right ends, back along the last row, down the left ends. */
export function outlineOf(rows: readonly (readonly Point[])[]): Float32Array {
  const [front = [], back = []] = [rows[0], rows.length > 1 ? rows.at(-1) : undefined];
  const between = rows.slice(1, -1);
  const points = [
    ...front,
    ...sideOf(
      front.at(-1),
      between.flatMap((row) => row.at(-1) ?? []),
      back.at(-1),
    ),
    ...back.toReversed(),
    ...sideOf(back[0], between.flatMap((row) => row[0] ?? []).toReversed(), front[0]),
  ];
  return Float32Array.from(points.flatMap(({ x, y }) => [x, y]));
}

function sideOf(from: Point | undefined, ends: readonly Point[], to: Point | undefined): readonly Point[] {
  if (!from || !to) return ends;
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const away = ({ x, y }: Point): number =>
    Math.abs((to.x - from.x) * (y - from.y) - (to.y - from.y) * (x - from.x)) / Math.max(length, 1e-6);
  return ends.every((end) => away(end) < unevenMetres) ? [] : ends;
}

/** How wide a text of this height may be around a place, so that it stays inside; 0 where it does not. */
export function widthInside(outline: Float32Array, x: number, y: number, height: number): number {
  const lines = [y - height / 2, y, y + height / 2];
  return 2 * Math.min(...lines.map((line) => reachInside(outline, x, line)));
}

/** How far it is from (x, y) to the outline's nearest side, to the left or to the right. */
function reachInside(outline: Float32Array, x: number, y: number): number {
  let [left, right, crossings] = [Infinity, Infinity, 0];
  for (let at = 0; at < outline.length; at += 2) {
    const next = (at + 2) % outline.length;
    const [fromX = 0, fromY = 0] = [outline[at], outline[at + 1]];
    const [toX = 0, toY = 0] = [outline[next], outline[next + 1]];
    if (fromY > y === toY > y) continue;
    const crossing = fromX + ((y - fromY) / (toY - fromY)) * (toX - fromX);
    if (crossing < x) {
      left = Math.min(left, x - crossing);
      crossings += 1;
    } else right = Math.min(right, crossing - x);
  }
  return crossings % 2 === 1 ? Math.min(left, right) : 0;
}
