// From a description of sections to seats with places. The middle of the stage's front edge is x 0, y 0; y grows away
// from the stage, x to the right of who looks at the plan with the stage at its top. Units are metres.

export type Seat = {
  readonly seatId: string;
  readonly label: string;
  readonly row: string;
  readonly number: number;
  readonly x: number;
  readonly y: number;
};

export type Section = {
  readonly code: string;
  readonly name: string;
  readonly grade: string;
  readonly seats: readonly Seat[];
};

/** Distances in metres: between seats of a row, between rows, and what an aisle adds between two seats. */
export type Pitch = { readonly seat: number; readonly row: number; readonly aisle: number };

/** Seats in each row: the same for all, one number for each, or growing by so many a row. */
export type SeatsPerRow = number | readonly number[] | { readonly first: number; readonly growth: number };

export type SectionDescription = {
  readonly code: string;
  readonly name: string;
  readonly grade: string;
  /** Labels, the front row first. */
  readonly rows: readonly string[];
  readonly seats: SeatsPerRow;
  /** The middle of the front row; the rows are straight. */
  readonly at?: { readonly x: number; readonly y: number; readonly turn: number };
  /** The centre of the circles that the rows lie on, the front row's radius, and the angle that its middle is at. */
  readonly arc?: { readonly x: number; readonly y: number; readonly radius: number; readonly angle: number };
  readonly aisles: number;
  readonly pitch?: Partial<Pitch>;
};

const usualPitch: Pitch = { seat: 0.6, row: 0.9, aisle: 1.2 };

/** Closer than this, nobody could sit there, and a finger on the plan would meet two seats at once. */
export const seatDistanceMin = 0.4;

/** Every seat with its place, in the order of the description; `pitch` is the hall's own. */
export function layOut(sections: readonly SectionDescription[], pitch: Partial<Pitch> = {}): Section[] {
  return sections.map((one) => {
    const { code, name, grade } = one;
    return { code, name, grade, seats: seatsOf(one, { ...usualPitch, ...pitch, ...one.pitch }) };
  });
}

function seatsOf(described: SectionDescription, pitch: Pitch): Seat[] {
  const { code, name, rows, seats, aisles } = described;
  return rows.flatMap((row, depth) =>
    alongRow(seatsInRow(seats, depth), aisles, pitch).map((along, index) => ({
      seatId: `${code}-${row}-${index + 1}`,
      label: `${name} · row ${row} · seat ${index + 1}`,
      row,
      number: index + 1,
      ...placeOf(described, along, depth * pitch.row),
    })),
  );
}

export function seatsInRow(seats: SeatsPerRow, depth: number): number {
  if (typeof seats === 'number') return seats;
  if ('first' in seats) return Math.floor(seats.first + seats.growth * depth);
  return seats[depth] ?? 0;
}

/** Distances of a row's seats from its middle. Aisles part the row into blocks as equal as can be. */
function alongRow(seats: number, aisles: number, pitch: Pitch): number[] {
  const aislesBefore = (index: number): number => Math.floor(((index + 0.5) * (aisles + 1)) / seats);
  const distances = Array.from(
    { length: seats },
    (_, index) => index * pitch.seat + aislesBefore(index) * pitch.aisle,
  );
  const middle = (distances.at(-1) ?? 0) / 2;
  return distances.map((distance) => distance - middle);
}

/**
 * From (along the row, rows back) to (x, y). At angle or turn 0 the rows lie parallel to the stage and go away from it; at
 * 90 they go to the right, at -90 to the left.
 */
function placeOf({ at, arc }: SectionDescription, along: number, back: number): { x: number; y: number } {
  if (arc) {
    const radius = arc.radius + back;
    const angle = radians(arc.angle) + along / radius;
    return { x: tenth(arc.x + radius * Math.sin(angle)), y: tenth(arc.y + radius * Math.cos(angle)) };
  }
  const { x, y, turn } = at ?? { x: 0, y: 0, turn: 0 };
  const [sin, cos] = [Math.sin(radians(turn)), Math.cos(radians(turn))];
  return { x: tenth(x + cos * along + sin * back), y: tenth(y - sin * along + cos * back) };
}

const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** Halves go outwards on both sides, whatever their last bit: the left of a hall mirrors its right. Adding 0 undoes -0. */
const tenth = (value: number): number =>
  (Math.sign(value) * Math.round(Math.abs(value) * 10 + 1e-6)) / 10 + 0;

/** A seat too close to one that stands before it, the first of each pair of sections; `section` is its section's index. */
export type Crowded = { readonly section: number; readonly seatId: string; readonly neighbour: string };

export function crowdedSeats(sections: readonly Section[]): Crowded[] {
  type Placed = Seat & { readonly section: number };
  const cells = new Map<string, Placed[]>();
  const found = new Map<string, Crowded>();
  const cellOf = (value: number): number => Math.floor(value / seatDistanceMin);
  for (const seat of sections.flatMap(({ seats }, section) =>
    seats.map((one): Placed => ({ ...one, section })),
  )) {
    const [column, row] = [cellOf(seat.x), cellOf(seat.y)];
    const around = [-1, 0, 1].flatMap((dx) => [-1, 0, 1].map((dy) => `${column + dx}/${row + dy}`));
    const close = around.flatMap((key) => cells.get(key) ?? []).find((other) => tooClose(seat, other));
    const pair = `${close?.section}/${seat.section}`;
    if (close && !found.has(pair)) {
      found.set(pair, { section: seat.section, seatId: seat.seatId, neighbour: close.seatId });
    }
    const own = cells.get(`${column}/${row}`);
    if (own) own.push(seat);
    else cells.set(`${column}/${row}`, [seat]);
  }
  return [...found.values()];
}

/** Compared in tenths of a metre, which are exact. */
const tooClose = (one: Seat, other: Seat): boolean =>
  Math.hypot(tenths(one.x, other.x), tenths(one.y, other.y)) < seatDistanceMin * 10;

const tenths = (from: number, to: number): number => Math.round((to - from) * 10);
