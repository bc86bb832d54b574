import { geometryOf, type Geometry } from './geometry.ts';
import type { SeatLayout } from './layout.ts';

const known = new WeakMap<SeatLayout, Geometry>();

/** Map and list stand on one page and show one layout: it is worked out once. */
export function geometryFor(layout: SeatLayout): Geometry {
  const before = known.get(layout);
  if (before) return before;
  const geometry = geometryOf(layout);
  known.set(layout, geometry);
  return geometry;
}
