import { layOut, type Section, type SectionDescription } from '../../../services/concert/src/layout.ts';

// A hall four times as large as the largest of the season: a floor of thirty blocks, and three tiers around its end. No
// promoter wrote it down; the benchmark asks what a map of such a size costs.

const pitch = { seat: 0.55, row: 0.85 };
const middle = { x: 0, y: 48 };
const blockDegrees = 10;
const tiers = [
  { name: 'Lower', code: 1, grade: 'R', radius: 62, rows: 22 },
  { name: 'Middle', code: 2, grade: 'S', radius: 84, rows: 26 },
  { name: 'Upper', code: 3, grade: 'A', radius: 110, rows: 34 },
] as const;

/** As many seats as asked for: the last rows of the last blocks are left out. */
export function stadium(seats: number): Section[] {
  const sections = layOut([...floor(), ...tiers.flatMap(tier)], pitch);
  let left = seats;
  return sections.flatMap((section) => {
    const kept = section.seats.slice(0, left);
    left -= kept.length;
    return kept.length === 0 ? [] : [{ ...section, seats: kept }];
  });
}

function floor(): SectionDescription[] {
  return Array.from({ length: 30 }, (_, index) => {
    const [column, line] = [index % 6, Math.floor(index / 6)];
    return {
      code: `F${index + 1}`,
      name: `Floor ${index + 1}`,
      grade: line < 2 ? 'VIP' : 'R',
      rows: labels(20),
      seats: 20,
      at: { x: (column - 2.5) * 12.2, y: 4 + line * 18.5, turn: 0 },
      aisles: 0,
    };
  });
}

function tier({ name, code, grade, radius, rows }: (typeof tiers)[number]): SectionDescription[] {
  const blocks = 22;
  const width = (blockDegrees * Math.PI) / 180;
  return Array.from({ length: blocks }, (_, index) => ({
    code: `${code}${String(index + 1).padStart(2, '0')}`,
    name: `${name} ${code}${String(index + 1).padStart(2, '0')}`,
    grade,
    rows: labels(rows),
    seats: {
      first: Math.floor((radius * width - 1.5) / pitch.seat),
      growth: (pitch.row * width) / pitch.seat,
    },
    arc: { ...middle, radius, angle: (index - (blocks - 1) / 2) * blockDegrees },
    aisles: 0,
  }));
}

const labels = (rows: number): string[] => Array.from({ length: rows }, (_, index) => String(index + 1));
