// What a seat looks like: a shape for its grade, a filling for its state. Colour only repeats what they say.

export const shapes = ['circle', 'square', 'hexagon', 'diamond', 'triangle'] as const;
export type Shape = (typeof shapes)[number];

export const shapeOf = (grade: number): Shape => shapes[grade % shapes.length] ?? 'circle';

/** What lies under it is free, held by another fan (it may come back), sold, or not to be had at all. */
export type Look = 'free' | 'held' | 'sold' | 'none';

const looks: readonly Look[] = ['free', 'held', 'sold', 'none'];

export const lookOf = (state: number | undefined): Look => looks[state ?? 3] ?? 'none';

/** Where a path is written to: a canvas, a Path2D, or what a test hands in. */
export type Path = Pick<CanvasPath, 'moveTo' | 'lineTo' | 'closePath' | 'arc' | 'roundRect'>;

/** Corners on a circle of radius 1, the first one to the right of those at the top. */
const corners: Readonly<Record<'hexagon' | 'diamond' | 'triangle', readonly (readonly [number, number])[]>> =
  {
    hexagon: [0, 60, 120, 180, 240, 300].map((angle) => onCircle(angle, 1.06)),
    diamond: [0, 90, 180, 270].map((angle) => onCircle(angle, 1.16)),
    triangle: [-90, 30, 150].map((angle) => onCircle(angle, 1.2)),
  };

function onCircle(degrees: number, radius: number): [number, number] {
  const angle = (degrees * Math.PI) / 180;
  return [Math.cos(angle) * radius, Math.sin(angle) * radius];
}

/** Adds a seat's outline; all shapes cover about the same area for one radius. */
export function addShape(path: Path, shape: Shape, x: number, y: number, radius: number): void {
  if (shape === 'circle') {
    path.moveTo(x + radius, y);
    path.arc(x, y, radius, 0, Math.PI * 2);
    return;
  }
  if (shape === 'square') {
    const half = radius * 0.9;
    path.roundRect(x - half, y - half, half * 2, half * 2, radius * 0.3);
    return;
  }
  for (const [index, [dx, dy]] of corners[shape].entries()) {
    if (index === 0) path.moveTo(x + dx * radius, y + dy * radius);
    else path.lineTo(x + dx * radius, y + dy * radius);
  }
  path.closePath();
}

/** A small cross: taken for good. */
export function addCross(path: Path, x: number, y: number, reach: number): void {
  path.moveTo(x - reach, y - reach);
  path.lineTo(x + reach, y + reach);
  path.moveTo(x + reach, y - reach);
  path.lineTo(x - reach, y + reach);
}

export function addCheck(path: Path, x: number, y: number, reach: number): void {
  path.moveTo(x - reach * 0.95, y + reach * 0.05);
  path.lineTo(x - reach * 0.25, y + reach * 0.7);
  path.lineTo(x + reach, y - reach * 0.65);
}
