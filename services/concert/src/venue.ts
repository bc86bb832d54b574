import { z } from 'zod';
import { crowdedSeats, layOut, seatDistanceMin, seatsInRow, type Section } from './layout.ts';
import {
  line,
  numberOf,
  parsePromoterFile,
  repeated,
  slug,
  translated,
  wholeNumberOf,
  words,
  type Parsed,
  type Translated,
} from './promoter-file.ts';

// A venue file describes a hall the way a promoter thinks of it: sections with rows of seats, somewhere, turned somehow.
// The demo files in venues/ explain the words.

export type Venue = {
  readonly venueId: string;
  readonly name: Translated;
  readonly grades: readonly string[];
  /** In the order of the file; with the seats in theirs it is the order of the seat map. */
  readonly sections: readonly Section[];
};

const rowsMax = 200;
const seatsPerRowMax = 500;

const metres = numberOf('metres', { from: -1000, to: 1000, example: '4.5' });
const degrees = numberOf('degrees', { from: -360, to: 360, example: '45' });
const distance = numberOf('metres', { from: seatDistanceMin, to: 50, example: '0.6' });

const rowsExample = 'a number (12 for rows 1 to 12), a range (A-M or 13-24) or a list ([A, B, D])';
const rowLabel = z
  .union([z.string().regex(/^[A-Za-z0-9]{1,6}$/), z.int().min(0).max(999_999)])
  .transform((label) => String(label));
const rows = z
  .union([z.int().min(1).max(rowsMax), z.array(rowLabel).min(1).max(rowsMax), z.string()], {
    error: `Write the rows as ${rowsExample}, at most ${rowsMax}.`,
  })
  .transform((written, context) => {
    const labels =
      typeof written === 'string' ? range(written) : typeof written === 'number' ? count(written) : written;
    if (labels.length === 0) {
      context.addIssue(`"${String(written)}" does not name rows; write ${rowsExample}.`);
    }
    for (const { value } of repeated(labels)) {
      context.addIssue(
        `Row ${value} stands there twice, and so would its seat ids; give every row its own label.`,
      );
    }
    return labels;
  });

const count = (length: number): string[] => Array.from({ length }, (_, index) => String(index + 1));

/** `A-M` or `13-24`; empty when it is neither. */
function range(written: string): string[] {
  const [, first = '', last = ''] = /^([A-Z]|\d{1,4})-([A-Z]|\d{1,4})$/.exec(written) ?? [];
  const letters = Number.isNaN(Number(first));
  const [from, to] = letters ? [first.charCodeAt(0), last.charCodeAt(0)] : [Number(first), Number(last)];
  if (first === '' || letters !== Number.isNaN(Number(last)) || to < from || to - from >= rowsMax) return [];
  return count(to - from + 1).map((_, index) =>
    letters ? String.fromCharCode(from + index) : String(from + index),
  );
}

const seatCount = z.int().min(1).max(seatsPerRowMax);
const seats = z.union(
  [
    seatCount,
    z.array(seatCount).min(1).max(rowsMax),
    z.strictObject({ first: seatCount, growth: z.number().min(-50).max(50) }),
  ],
  {
    error: `Write the seats of a row: a number (18), a list with one for each row ([12, 14, 16]) or { first: 12, growth: 2 }; 1 to ${seatsPerRowMax} seats.`,
  },
);

const pitch = words(
  { seat: distance.exactOptional(), row: distance.exactOptional(), aisle: distance.exactOptional() },
  'distances in metres: { seat: 0.6, row: 0.9, aisle: 1.2 }',
);

const section = words(
  {
    code: z
      .string({
        error: 'Write a short code in letters and digits, such as A or "101" (digits need the quotes).',
      })
      .regex(/^[A-Za-z0-9]{1,8}$/, { error: 'Write at most 8 letters and digits, such as A or B2.' }),
    name: line('Stalls Left'),
    grade: line('VIP'),
    rows,
    seats,
    at: words({ x: metres, y: metres, turn: degrees.default(0) }, 'a place: { x: 0, y: 4 }').exactOptional(),
    arc: words(
      {
        x: metres.default(0),
        y: metres.default(0),
        radius: numberOf('metres', { from: 1, to: 1000, example: '18' }),
        angle: degrees.default(0),
      },
      'a curve: { radius: 18, angle: 0 }',
    ).exactOptional(),
    aisles: wholeNumberOf('how many aisles divide a row', { from: 0, to: 20, example: '2' }).default(0),
    pitch: pitch.exactOptional(),
  },
  'a section: { code: A, name: Stalls, grade: R, rows: 12, seats: 20, at: { x: 0, y: 4 } }',
).superRefine((described, context) => {
  if ((described.at === undefined) === (described.arc === undefined)) {
    context.addIssue('Write either `at` (straight rows) or `arc` (curved rows), not both and not neither.');
  }
  if (Array.isArray(described.seats) && described.seats.length !== described.rows.length) {
    const message = `There are ${described.rows.length} rows but ${described.seats.length} numbers of seats; write one for each row.`;
    context.addIssue({ code: 'custom', path: ['seats'], message });
  } else if (
    described.rows.some((_, depth) => !seatCount.safeParse(seatsInRow(described.seats, depth)).success)
  ) {
    const message = `With this growth a row would have less than 1 or more than ${seatsPerRowMax} seats; write a smaller one.`;
    context.addIssue({ code: 'custom', path: ['seats'], message });
  }
});

const description = words(
  {
    venue: slug('garam-hall'),
    name: translated('Garam Concert Hall', '가람 콘서트홀'),
    capacity: wholeNumberOf('how many seats the hall has', { from: 1, to: 200_000, example: '2452' }),
    grades: z
      .array(line('VIP'), { error: 'Write the grades, the dearest first: [VIP, R, S].' })
      .min(1, { error: 'Write at least one grade: [R].' }),
    pitch: pitch.exactOptional(),
    sections: z
      .array(section, { error: 'Write a list of sections.' })
      .min(1, { error: 'Write at least one section.' }),
  },
  'a venue: the words venue, name, capacity, grades and sections',
);

export type VenueDescription = z.output<typeof description>;

/** A venue file's contents, checked as a whole and laid out. */
const venue = description.transform((described, context): Venue => {
  const sections = layOut(described.sections, described.pitch);
  const faults = [...nameFaults(described), ...gradeFaults(described), ...seatFaults(described, sections)];
  for (const { path, message } of faults) {
    context.addIssue({ code: 'custom', path, message });
  }
  return { venueId: described.venue, name: described.name, grades: described.grades, sections };
});

/** Reads the text of a venue file; `file` is what the sentences call it. */
export const readVenue = (text: string, file: string): Parsed<Venue> => parsePromoterFile(text, file, venue);

type Fault = { path: (string | number)[]; message: string };

function nameFaults({ sections }: VenueDescription): Fault[] {
  const twice = (what: 'code' | 'name', why: string): Fault[] =>
    repeated(sections.map((one) => one[what])).map(({ index, value }) => ({
      path: ['sections', index, what],
      message: `The ${what} "${value}" is already another section's, and their seats would ${why}; write another one.`,
    }));
  return [...twice('code', 'have the same ids'), ...twice('name', 'read the same on a ticket')];
}

function gradeFaults({ grades, sections }: VenueDescription): Fault[] {
  const twice = repeated(grades).map(({ index, value }) => ({
    path: ['grades', index],
    message: `The grade "${value}" stands there twice; write it once.`,
  }));
  const unknown = [...sections.entries()].filter(([, { grade }]) => !grades.includes(grade));
  const unused = [...grades.entries()].filter(([, grade]) => !sections.some((one) => one.grade === grade));
  return [
    ...twice,
    ...unknown.map(([index, { grade }]) => ({
      path: ['sections', index, 'grade'],
      message: `There is no grade "${grade}"; write one of ${grades.join(', ')}, or add it to \`grades\`.`,
    })),
    ...unused.map(([index, grade]) => ({
      path: ['grades', index],
      message: `No section has the grade "${grade}"; remove it or give it to a section.`,
    })),
  ];
}

function seatFaults({ capacity }: VenueDescription, sections: readonly Section[]): Fault[] {
  const total = sections.reduce((sum, one) => sum + one.seats.length, 0);
  const faults: Fault[] = crowdedSeats(sections).map(({ section: index, seatId, neighbour }) => ({
    path: ['sections', index],
    message: `Seat ${seatId} is closer than ${seatDistanceMin} m to seat ${neighbour}; move the section or write a larger pitch.`,
  }));
  if (total !== capacity) {
    const message = `The sections have ${total} seats together, not ${capacity}; correct them or write ${total}.`;
    faults.push({ path: ['capacity'], message });
  }
  return faults;
}
