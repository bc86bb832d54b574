import type { LayoutSeat, LayoutSection, SeatLayout } from './layout.ts';
import { outlineOf } from './outline.ts';
import { smoothRows } from './smooth-rows.ts';

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
  /** Around the middles of its outer seats: x, y, x, y… */
  readonly outline: Float32Array;
  readonly box: Box;
  /** The middle of all seats, where a name belongs. */
  readonly middle: Point;
  /** Metres between neighbours in a row. */
  readonly pitch: number;
};

export type Point = { readonly x: number; readonly y: number };

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
  const [x, y] = [new Float32Array(seats.length), new Float32Array(seats.length)];
  let first = 0;
  for (const [index, described] of layout.sections.entries()) {
    const grade = grades.findIndex(({ name }) => name === described.grade);
    const rows = rowsOf(described.seats, index, first);
    const places = smoothRows(rows.map((row) => described.seats.slice(row.first - first, row.end - first)));
    for (const [at, place] of places.flat().entries()) {
      x[first + at] = place.x;
      y[first + at] = place.y;
    }
    const section = sectionFrom(described, { first, grade, rows, places });
    sectionOf.fill(index, section.first, section.end);
    sections.push(section);
    first = section.end;
  }
  return {
    version: layout.version,
    count: seats.length,
    x,
    y,
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

type Placed = {
  readonly first: number;
  readonly grade: number;
  readonly rows: readonly Row[];
  readonly places: readonly (readonly Point[])[];
};

function sectionFrom({ name, price, seats }: LayoutSection, { first, grade, rows, places }: Placed): Section {
  const all = places.flat();
  return {
    name,
    shortName: shortNameOf(name),
    grade,
    price,
    first,
    end: first + seats.length,
    rows,
    outline: outlineOf(places),
    box: boxOf(all),
    middle: middleOf(all),
    pitch: pitchOf(places),
  };
}

const middleOf = (points: readonly Point[]): Point => ({
  x: points.reduce((sum, { x }) => sum + x, 0) / points.length,
  y: points.reduce((sum, { y }) => sum + y, 0) / points.length,
});

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
function pitchOf(rows: readonly (readonly Point[])[]): number {
  const distances = rows.flatMap((row) =>
    row.slice(1).map(({ x, y }, index) => Math.hypot(x - (row[index]?.x ?? x), y - (row[index]?.y ?? y))),
  );
  return median(distances) ?? pitchUsual;
}

const median = (values: readonly number[]): number | undefined =>
  values.toSorted((one, other) => one - other)[values.length >> 1];
