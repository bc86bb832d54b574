import type { Box, Geometry } from './geometry.ts';
import { SeatGrid } from './seat-grid.ts';
import { differences, isFree } from './seat-state.ts';

// The hall as it is now: geometry, the stage, every seat's state and what is left of each section.

const unknown = 3;
const stageGapMetres = 1.5;
/** What a section's floor is wider than the middles of its outer seats. */
export const floorMarginMetres = 0.55;

const nameGapMetres = 0.32;

export type RowName = { readonly label: string; readonly x: number; readonly y: number };

export class Hall {
  readonly geometry: Geometry;
  readonly grid: SeatGrid;
  readonly stage: Box;
  /** All there is to see: seats, floors and stage. */
  readonly box: Box;
  readonly states: Uint8Array;
  readonly freeOf: Uint32Array;
  /** Before the first states nothing is known to be free, and nothing to be sold out. */
  isKnown = false;
  private names: RowName[] | undefined;

  constructor(geometry: Geometry) {
    this.geometry = geometry;
    this.grid = new SeatGrid(geometry.x, geometry.y, geometry.box);
    this.stage = stageBefore(geometry);
    this.box = around(geometry.box, this.stage);
    this.states = new Uint8Array(geometry.count).fill(unknown);
    this.freeOf = new Uint32Array(geometry.sections.length);
  }

  /** Takes the states over and says which seats are another than before. */
  update(states: Uint8Array): number[] {
    this.isKnown = true;
    const changed = differences(this.states, states);
    for (const seat of changed) {
      const section = this.geometry.sectionOf[seat] ?? 0;
      const state = states[seat] ?? unknown;
      const more = Number(isFree(state)) - Number(isFree(this.states[seat]));
      this.freeOf[section] = (this.freeOf[section] ?? 0) + more;
      this.states[seat] = state;
    }
    return changed;
  }

  /** Where rows say their names: beyond the floor at both ends, unless others sit there. */
  get rowNames(): readonly RowName[] {
    this.names ??= this.geometry.rows.flatMap(({ label, first, end }) => {
      const ends = end - first > 1 ? [[first, first + 1] as const, [end - 1, end - 2] as const] : [];
      return ends.flatMap(([seat, inner]) => this.rowName(label, seat, inner) ?? []);
    });
    return this.names;
  }

  private rowName(label: string, seat: number, inner: number): RowName | undefined {
    const { x, y } = this.geometry;
    const [seatX = 0, seatY = 0] = [x[seat], y[seat]];
    const [dx, dy] = [seatX - (x[inner] ?? 0), seatY - (y[inner] ?? 0)];
    const away = (floorMarginMetres + nameGapMetres) / Math.max(Math.hypot(dx, dy), 1e-3);
    const place = { x: seatX + dx * away, y: seatY + dy * away };
    const isTaken = this.grid.nearest(place.x, place.y, floorMarginMetres + nameGapMetres / 2, () => true);
    return isTaken === undefined ? { label, ...place } : undefined;
  }

  sectionAt(x: number, y: number): number | undefined {
    const reach = 2;
    const seat = this.grid.nearest(x, y, reach, () => true);
    return seat === undefined ? undefined : this.geometry.sectionOf[seat];
  }
}

/** In front of the seats, as wide and as deep as a hall of that size has one; nobody told how it is built. */
function stageBefore({ box }: Geometry): Box {
  const [width, height] = [box.right - box.left, box.bottom - box.top];
  const half = Math.min(Math.max(width * 0.2, Math.min(width * 0.42, 4)), 14);
  const depth = Math.min(Math.max(height * 0.14, 1.2), 5);
  return { left: -half, right: half, top: -depth - stageGapMetres, bottom: -stageGapMetres };
}

const around = (seats: Box, stage: Box): Box => ({
  left: Math.min(seats.left, stage.left) - 2 * floorMarginMetres,
  top: Math.min(seats.top, stage.top) - 2 * floorMarginMetres,
  right: Math.max(seats.right, stage.right) + 2 * floorMarginMetres,
  bottom: Math.max(seats.bottom, stage.bottom) + 2 * floorMarginMetres,
});
