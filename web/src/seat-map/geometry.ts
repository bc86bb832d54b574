import type { LayoutSeat, LayoutSection, SeatLayout } from './layout.ts';

// A layout as the canvas wants it: flat numbers by seat index, and sections and rows as ranges of seats.

export type Box = {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
};

/** Seats from `first` up to, not including, `end`. */
export type Row = {
  readonly label: string;
  readonly section: number;
  readonly first: number;
  readonly end: number;
};

export type Section = {
  readonly name: string;
  /** What fits on a small block: `101` of `Lower 101`, `SC` of `Stalls Centre`. */
  readonly shortName: string;
  readonly grade: number;
  readonly price: number;
  readonly first: number;
  readonly end: number;
  readonly rows: readonly Row[];
  /** x, y, x, y…: along the front row, up the right ends, back along the last row, down the left ends. */
  readonly outline: Float32Array;
  readonly box: Box;
  /** Metres between neighbours in a row. */
  readonly pitch: number;
};

export type Grade = { readonly name: string; readonly priceMin: number; readonly priceMax: number };

export type Geometry = {
  readonly version: number;
  readonly count: number;
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly sectionOf: Uint16Array;
  readonly seats: readonly LayoutSeat[];
  readonly indexOf: ReadonlyMap<string, number>;
  readonly sections: readonly Section[];
  readonly rows: readonly Row[];
  /** The dearest first: its place is the number of its shape and colour. */
  readonly grades: readonly Grade[];
  readonly box: Box;
  /** Metres between neighbours, as most sections have it. */
  readonly pitch: number;
};

const pitchUsual = 0.55;

export function geometryOf(layout: SeatLayout): Geometry {
  const seats = layout.sections.flatMap((one) => one.seats);
  const grades = gradesOf(layout.sections);
  const sections: Section[] = [];
  const sectionOf = new Uint16Array(seats.length);
  let first = 0;
  for (const [index, described] of layout.sections.entries()) {
    const grade = grades.findIndex(({ name }) => name === described.grade);
    const section = sectionFrom(described, index, first, grade);
    sectionOf.fill(index, section.first, section.end);
    sections.push(section);
    first = section.end;
  }
  return {
    version: layout.version,
    count: seats.length,
    x: Float32Array.from(seats, (seat) => seat.x),
    y: Float32Array.from(seats, (seat) => seat.y),
    sectionOf,
    seats,
    indexOf: new Map(seats.map((seat, index) => [seat.seatId, index])),
    sections,
    rows: sections.flatMap((section) => section.rows),
    grades,
    box: sections.map((section) => section.box).reduce(union, { left: 0, top: 0, right: 0, bottom: 0 }),
    pitch: median(sections.map((section) => section.pitch)) ?? pitchUsual,
  };
}

function gradesOf(sections: readonly LayoutSection[]): Grade[] {
  const prices = Map.groupBy(sections, (section) => section.grade);
  return [...prices]
    .map(([name, its]) => ({
      name,
      priceMin: Math.min(...its.map(({ price }) => price)),
      priceMax: Math.max(...its.map(({ price }) => price)),
    }))
    .toSorted((one, other) => other.priceMax - one.priceMax);
}

function sectionFrom(described: LayoutSection, index: number, first: number, grade: number): Section {
  const { name, price, seats } = described;
  const rows = rowsOf(seats, index, first);
  return {
    name,
    shortName: shortNameOf(name),
    grade,
    price,
    first,
    end: first + seats.length,
    rows,
    outline: outlineOf(rows.map((row) => seats.slice(row.first - first, row.end - first))),
    box: boxOf(seats),
    pitch: pitchOf(seats),
  };
}

function rowsOf(seats: readonly LayoutSeat[], section: number, offset: number): Row[] {
  const rows: Row[] = [];
  let from = 0;
  for (let at = 1; at <= seats.length; at++) {
    const label = seats[from]?.row ?? '';
    if (seats[at]?.row === label && at < seats.length) continue;
    rows.push({ label, section, first: offset + from, end: offset + at });
    from = at;
  }
  return rows;
}

/** A number at the end is what people call a block by; otherwise the first letters. */
export function shortNameOf(name: string): string {
  const words = name.split(/\s+/).filter((word) => word !== '');
  const last = words.at(-1) ?? '';
  if (/\d/.test(last) || words.length < 2) return last;
  return words.map((word) => word.slice(0, 1)).join('');
}

type Point = { readonly x: number; readonly y: number };

function outlineOf(rows: readonly (readonly Point[])[]): Float32Array {
  const points = [
    ...(rows[0] ?? []),
    ...rows.slice(1, -1).flatMap((row) => row.at(-1) ?? []),
    ...(rows.length > 1 ? (rows.at(-1) ?? []).toReversed() : []),
    ...rows
      .slice(1, -1)
      .toReversed()
      .flatMap((row) => row[0] ?? []),
  ];
  return Float32Array.from(points.flatMap(({ x, y }) => [x, y]));
}

function boxOf(points: readonly Point[]): Box {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { x, y } of points) {
    left = Math.min(left, x);
    top = Math.min(top, y);
    right = Math.max(right, x);
    bottom = Math.max(bottom, y);
  }
  return { left, top, right, bottom };
}

const union = (one: Box, other: Box): Box => ({
  left: Math.min(one.left, other.left),
  top: Math.min(one.top, other.top),
  right: Math.max(one.right, other.right),
  bottom: Math.max(one.bottom, other.bottom),
});

/** The median distance of neighbours: aisles are the exception. */
function pitchOf(seats: readonly LayoutSeat[]): number {
  const distances = seats.flatMap((seat, index) => {
    const next = seats[index + 1];
    return next?.row === seat.row ? [Math.hypot(next.x - seat.x, next.y - seat.y)] : [];
  });
  return median(distances) ?? pitchUsual;
}

const median = (values: readonly number[]): number | undefined =>
  values.toSorted((one, other) => one - other)[values.length >> 1];
