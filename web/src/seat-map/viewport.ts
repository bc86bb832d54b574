import type { Box } from './geometry.ts';

// Where the canvas looks: `scale` pixels a metre, and the place of the canvas's top left corner in the hall.

export type View = { readonly scale: number; readonly left: number; readonly top: number };
export type Size = { readonly width: number; readonly height: number };
export type Point = { readonly x: number; readonly y: number };

/** What the view may be: the box to look at, the canvas's size, and the scales between which one zooms. */
export type Bounds = {
  readonly box: Box;
  readonly size: Size;
  readonly scaleMin: number;
  readonly scaleMax: number;
};

/** Pixels that may stay empty beyond the hall's edge. */
const marginPixels = 48;
/** What stays free around the whole hall. */
const framePixels = 14;
/** At the closest, neighbours are this far apart: a thumb's width. */
const pitchPixelsMax = 52;

export function boundsOf(box: Box, size: Size, pitch: number): Bounds {
  const scaleMin = fitScale(box, size);
  return { box, size, scaleMin, scaleMax: Math.max(pitchPixelsMax / pitch, scaleMin) };
}

const fitScale = ({ left, top, right, bottom }: Box, { width, height }: Size): number =>
  Math.min(
    Math.max(width - 2 * framePixels, 1) / Math.max(right - left, 1e-3),
    Math.max(height - 2 * framePixels, 1) / Math.max(bottom - top, 1e-3),
  );

/** The whole hall. */
export const fit = (bounds: Bounds): View => lookAt(bounds, bounds.box, bounds.scaleMin);

/** The middle of a box in the middle of the canvas. */
export function lookAt(bounds: Bounds, box: Box, scale = fitScale(box, bounds.size)): View {
  const { width, height } = bounds.size;
  const limited = limit(scale, bounds.scaleMin, bounds.scaleMax);
  const left = (box.left + box.right - width / limited) / 2;
  const top = (box.top + box.bottom - height / limited) / 2;
  return clamp({ scale: limited, left, top }, bounds);
}

/** What is under `at` stays under it. */
export function zoomAbout(view: View, factor: number, at: Point, bounds: Bounds): View {
  const scale = limit(view.scale * factor, bounds.scaleMin, bounds.scaleMax);
  const { x, y } = toHall(view, at);
  return clamp({ scale, left: x - at.x / scale, top: y - at.y / scale }, bounds);
}

/** Moves what is seen by so many pixels. */
export const pan = (view: View, dx: number, dy: number, bounds: Bounds): View =>
  clamp({ ...view, left: view.left - dx / view.scale, top: view.top - dy / view.scale }, bounds);

export function clamp(view: View, { box, size, scaleMin, scaleMax }: Bounds): View {
  const scale = limit(view.scale, scaleMin, scaleMax);
  return {
    scale,
    left: clampEdge(view.left, box.left, box.right, size.width / scale, marginPixels / scale),
    top: clampEdge(view.top, box.top, box.bottom, size.height / scale, marginPixels / scale),
  };
}

/** What is narrower than the canvas stands in its middle; what is wider never leaves it. */
function clampEdge(edge: number, from: number, to: number, seen: number, margin: number): number {
  if (to - from <= seen) return (from + to - seen) / 2;
  return limit(edge, from - margin, to + margin - seen);
}

const limit = (value: number, min: number, max: number): number => Math.min(Math.max(value, min), max);

export const toHall = (view: View, { x, y }: Point): Point => ({
  x: view.left + x / view.scale,
  y: view.top + y / view.scale,
});

export const toCanvas = (view: View, { x, y }: Point): Point => ({
  x: (x - view.left) * view.scale,
  y: (y - view.top) * view.scale,
});

export const seenBox = ({ left, top, scale }: View, { width, height }: Size): Box => ({
  left,
  top,
  right: left + width / scale,
  bottom: top + height / scale,
});

/** From one view to another, the zoom as even as the eye wants it: `share` 0 is the first, 1 the last. */
export function between(from: View, to: View, share: number, size: Size): View {
  const scale = from.scale * (to.scale / from.scale) ** share;
  const middle = (view: View): Point => toHall(view, { x: size.width / 2, y: size.height / 2 });
  const [start, end] = [middle(from), middle(to)];
  // The middle moves as fast as the scale lets it seem: a straight share would swing out while zooming in.
  const moved =
    Math.abs(to.scale / from.scale - 1) < 1e-3
      ? share
      : (1 / from.scale - 1 / scale) / (1 / from.scale - 1 / to.scale);
  const x = start.x + (end.x - start.x) * moved;
  const y = start.y + (end.y - start.y) * moved;
  return { scale, left: x - size.width / scale / 2, top: y - size.height / scale / 2 };
}
