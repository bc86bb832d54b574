import type { Geometry } from './geometry.ts';
import type { SeatGrid } from './seat-grid.ts';
import { isFree } from './seat-state.ts';
import { toHall, type Point, type View } from './viewport.ts';

// Which seat a pointer means. A finger is 44 CSS pixels wide and means the nearest seat that can be had; a mouse points.

const fingerPixels = 44;
const mouseReachPixels = 6;

export type Place = {
  readonly geometry: Geometry;
  readonly grid: SeatGrid;
  readonly states: Uint8Array;
  /** The fan's own, also those that were lost: they can be given up. */
  readonly selected: ReadonlySet<number>;
};

export function seatAt(place: Place, view: View, at: Point, pointer: 'mouse' | 'finger'): number | undefined {
  const { x, y } = toHall(view, at);
  const { grid, geometry } = place;
  const can = (seat: number): boolean => canChange(place, seat);
  const own = geometry.pitch / 2;
  const reach = pointer === 'finger' ? fingerPixels / 2 : mouseReachPixels;
  // The pointer on a taken seat means that one, unless it is a finger, which cannot be so exact.
  const exact = grid.nearest(x, y, own, pointer === 'mouse' ? () => true : can);
  return exact ?? grid.nearest(x, y, Math.max(own, reach / view.scale), can);
}

export const canChange = ({ selected, states }: Place, seat: number): boolean =>
  selected.has(seat) || isFree(states[seat]);
