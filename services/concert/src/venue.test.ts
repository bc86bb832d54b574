import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { layOut, seatDistanceMin, type Section } from './layout.ts';
import { readVenue, type Venue } from './venue.ts';

const small = `
venue: attic
name: { en: Attic, ko: 다락 }
capacity: 14
grades: [R, S]
sections:
  - code: A
    name: Front
    grade: R
    rows: 2
    seats: [3, 4]
    at: { x: 0, y: 4 }
  - code: B
    name: Back
    grade: S
    rows: C-C
    seats: 7
    arc: { radius: 8 }
    aisles: 1
`;

const demo = (name: string): Venue => {
  const text = readFileSync(new URL(`../../../venues/${name}.yaml`, import.meta.url), 'utf8');
  const { value, faults } = readVenue(text, `venues/${name}.yaml`);
  expect(faults).toEqual([]);
  if (!value) throw new Error(`${name} has no value`);
  return value;
};

const seatsOf = (sections: readonly Section[]) => sections.flatMap(({ seats }) => seats);

/** By brute force, unlike the check itself. */
function closest(sections: readonly Section[]): number {
  const seats = seatsOf(sections).toSorted((one, other) => one.x - other.x);
  let least = Infinity;
  for (const [index, one] of seats.entries()) {
    for (let next = index + 1; next < seats.length; next++) {
      const other = seats[next];
      if (!other || other.x - one.x > least) break;
      least = Math.min(least, Math.round(Math.hypot(other.x - one.x, other.y - one.y) * 1000) / 1000);
    }
  }
  return least;
}

describe.each([
  { name: 'lantern-room', total: 50, sections: 2 },
  { name: 'garam-hall', total: 2452, sections: 14 },
  { name: 'miru-arena', total: 15_000, sections: 39 },
])('the demo venue $name', ({ name, total, sections }) => {
  const venue = demo(name);
  const seats = seatsOf(venue.sections);

  test('has exactly its seats', () => {
    expect(venue.sections).toHaveLength(sections);
    expect(seats).toHaveLength(total);
  });

  test('names every seat once', () => {
    expect(new Set(seats.map(({ seatId }) => seatId)).size).toBe(total);
    expect(new Set(seats.map(({ label }) => label)).size).toBe(total);
    expect(seats.filter(({ seatId }) => !/^[A-Za-z0-9-]{1,32}$/.test(seatId))).toEqual([]);
  });

  test('puts no two seats too close together, and none on the stage', () => {
    expect(closest(venue.sections)).toBeGreaterThanOrEqual(seatDistanceMin);
    expect(seats.filter(({ x, y }) => y < 0.5 && Math.abs(x) < 9)).toEqual([]);
  });

  test('is the same on the left and on the right', () => {
    const places = new Set(seats.map(({ x, y }) => `${x}/${y}`));
    expect(seats.filter(({ x, y }) => !places.has(`${-x + 0}/${y}`))).toEqual([]);
  });
});

describe('a venue file', () => {
  test('becomes sections and seats in its order', () => {
    const { value, faults } = readVenue(small, 'attic.yaml');
    expect(faults).toEqual([]);
    expect(value).toMatchObject({ venueId: 'attic', name: { en: 'Attic', ko: '다락' }, grades: ['R', 'S'] });
    const [front, back] = value?.sections ?? [];
    expect(front?.seats.slice(0, 4)).toEqual([
      { seatId: 'A-1-1', label: 'Front · row 1 · seat 1', row: '1', number: 1, x: -0.6, y: 4 },
      { seatId: 'A-1-2', label: 'Front · row 1 · seat 2', row: '1', number: 2, x: 0, y: 4 },
      { seatId: 'A-1-3', label: 'Front · row 1 · seat 3', row: '1', number: 3, x: 0.6, y: 4 },
      { seatId: 'A-2-1', label: 'Front · row 2 · seat 1', row: '2', number: 1, x: -0.9, y: 4.9 },
    ]);
    expect(back?.seats[0]).toMatchObject({ seatId: 'B-C-1', label: 'Back · row C · seat 1', row: 'C' });
  });

  test('keeps its seat ids when its sections change places', () => {
    const ids = (text: string) =>
      seatsOf(readVenue(text, 'attic.yaml').value?.sections ?? []).map(({ seatId }) => seatId);
    const [head = '', a = '', b = ''] = small.split(/(?= {2}- code)/);
    expect(ids(head + b + a)).not.toEqual(ids(small));
    expect(ids(head + b + a).toSorted()).toEqual(ids(small).toSorted());
  });
});

const faulty: { what: string; write: string; instead: string; told: string }[] = [
  {
    what: 'a section code that stands twice',
    write: 'code: B',
    instead: 'code: A',
    told: `attic.yaml, line 13 (sections › A › code): The code "A" is already another section's, and their seats would have the same ids; write another one.`,
  },
  {
    what: 'two sections that a ticket could not tell apart',
    write: 'name: Back',
    instead: 'name: Front',
    told: `attic.yaml, line 14 (sections › B › name): The name "Front" is already another section's, and their seats would read the same on a ticket; write another one.`,
  },
  {
    what: 'an unknown grade',
    write: 'grades: [R, S]',
    instead: 'grades: [R]',
    told: 'attic.yaml, line 15 (sections › B › grade): There is no grade "S"; write one of R, or add it to `grades`.',
  },
  {
    what: 'a grade without seats',
    write: 'grades: [R, S]',
    instead: 'grades: [R, S, VIP]',
    told: 'attic.yaml, line 5 (grades › number 3): No section has the grade "VIP"; remove it or give it to a section.',
  },
  {
    what: 'a row that stands twice',
    write: 'rows: 2',
    instead: 'rows: [1, 1]',
    told: 'attic.yaml, line 10 (sections › A › rows): Row 1 stands there twice, and so would its seat ids; give every row its own label.',
  },
  {
    what: 'a range that goes backwards',
    write: 'rows: C-C',
    instead: 'rows: M-A',
    told: 'attic.yaml, line 16 (sections › B › rows): "M-A" does not name rows; write a number (12 for rows 1 to 12), a range (A-M or 13-24) or a list ([A, B, D]).',
  },
  {
    what: 'a word that nobody knows',
    write: 'aisles: 1',
    instead: 'isles: 1',
    told: 'attic.yaml, line 19 (sections › B › isles): "isles" is not a word that is known here; known are code, name, grade, rows, seats, at, arc, aisles, pitch.',
  },
  {
    what: 'a word that is missing',
    write: 'code: B\n    name',
    instead: 'name',
    told: 'attic.yaml, line 13 (sections › number 2 › code): Write a short code in letters and digits, such as A or "101" (digits need the quotes).',
  },
  {
    what: 'a wrong sum',
    write: 'capacity: 14',
    instead: 'capacity: 15',
    told: 'attic.yaml, line 4 (capacity): The sections have 14 seats together, not 15; correct them or write 14.',
  },
  {
    what: 'a list of seats that is too short',
    write: 'seats: [3, 4]',
    instead: 'seats: [3]',
    told: 'attic.yaml, line 11 (sections › A › seats): There are 2 rows but 1 numbers of seats; write one for each row.',
  },
  {
    what: 'a section without a place',
    write: '    at: { x: 0, y: 4 }\n',
    instead: '',
    told: 'attic.yaml, line 7 (sections › A): Write either `at` (straight rows) or `arc` (curved rows), not both and not neither.',
  },
  {
    what: 'sections that lie on each other',
    write: 'y: 4 }',
    instead: 'y: 8 }',
    told: 'attic.yaml, line 13 (sections › B): Seat B-C-4 is closer than 0.4 m to seat A-1-3; move the section or write a larger pitch.',
  },
  {
    what: 'a file that is not YAML',
    write: 'grades: [R, S]',
    instead: 'grades: [R, S',
    told: 'attic.yaml, line 6: this is not YAML: Flow sequence in block collection must be sufficiently indented and end with a ].',
  },
];

describe('a fault is told with its place and what to write instead', () => {
  test.each(faulty)('$what', ({ write, instead, told }) => {
    expect(small).toContain(write);
    expect(readVenue(small.replace(write, instead), 'attic.yaml').faults).toContain(told);
  });

  test('and all faults of a file at once', () => {
    const text = small
      .replace('code: A', 'code: A!')
      .replace('rows: C-C', 'rows: {}')
      .replace('capacity: 14', 'capacity: x');
    expect(readVenue(text, 'attic.yaml').faults.map((told) => told.split(':')[0])).toEqual([
      'attic.yaml, line 4 (capacity)',
      'attic.yaml, line 7 (sections › A! › code)',
      'attic.yaml, line 16 (sections › B › rows)',
    ]);
  });

  test('an empty file is told what to write', () => {
    expect(readVenue('', 'attic.yaml').faults).toEqual([
      'attic.yaml, line 1: Write a venue: the words venue, name, capacity, grades and sections.',
    ]);
  });
});

describe('any section', () => {
  const rows = fc.integer({ min: 1, max: 12 });
  const turn = fc.integer({ min: -360, max: 360 });
  const place = fc.oneof(
    fc.record({
      at: fc.record({ x: fc.integer({ min: -50, max: 50 }), y: fc.integer({ min: 0, max: 90 }), turn }),
    }),
    fc.record({
      arc: fc.record({
        x: fc.constant(0),
        y: fc.constant(0),
        radius: fc.integer({ min: 20, max: 60 }),
        angle: turn,
      }),
    }),
  );

  test('keeps its seats apart, whatever way it is turned or curved', () => {
    fc.assert(
      fc.property(
        rows,
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 0, max: 3 }),
        place,
        (depth, first, aisles, where) => {
          const labels = Array.from({ length: depth }, (_, index) => `${index + 1}`);
          const named = {
            code: 'A',
            name: 'A',
            grade: 'R',
            rows: labels,
            seats: { first, growth: 0.5 },
            aisles,
          };
          const sections = layOut([{ ...named, ...where }], { seat: 0.55, row: 0.85 });
          expect(closest(sections)).toBeGreaterThanOrEqual(seatDistanceMin);
          const seats = seatsOf(sections);
          expect(
            seats.filter(({ x, y }) => !/^-?\d+(\.\d)?$/.test(`${x}`) || !/^-?\d+(\.\d)?$/.test(`${y}`)),
          ).toEqual([]);
          expect(new Set(seats.map(({ seatId }) => seatId)).size).toBe(seats.length);
        },
      ),
    );
  });
});
