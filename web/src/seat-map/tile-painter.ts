import type { Box, Section } from './geometry.ts';
import { floorMarginMetres, type Hall } from './hall.ts';
import { hasLabels, hasRowNames, type Level } from './level-of-detail.ts';
import { shadeOf, type Palette } from './palette.ts';
import { addCross, addShape, lookOf, shapeOf, type Look } from './seat-shape.ts';

// Paints a piece of the hall, at one level of detail. Seats that look the same become one path: a canvas pays for each change
// of style and for each path, hardly for what is in it.

export type Ink = CanvasRenderingContext2D;

/** `scale` is in canvas pixels a metre, `ratio` in canvas pixels a CSS pixel. */
export type Piece = {
  readonly hall: Hall;
  readonly palette: Palette;
  readonly level: Level;
  readonly box: Box;
  readonly scale: number;
  readonly ratio: number;
};

/** The canvas's origin must be the box's top left corner. */
export function paintPiece(ink: Ink, piece: Piece): void {
  const { box, scale, palette, hall, level } = piece;
  ink.fillStyle = palette.ground;
  ink.fillRect(0, 0, (box.right - box.left) * scale + 1, (box.bottom - box.top) * scale + 1);
  paintStage(ink, piece);
  for (const [index, section] of hall.geometry.sections.entries()) {
    if (touches(section.box, box, floorMarginMetres * 2)) paintFloor(ink, piece, section, index);
  }
  if (level === 'sections') return;
  const seats: number[] = [];
  const reach = hall.geometry.pitch;
  const wider = {
    left: box.left - reach,
    top: box.top - reach,
    right: box.right + reach,
    bottom: box.bottom + reach,
  };
  hall.grid.within(wider, (seat) => seats.push(seat));
  paintSeats(ink, piece, seats);
  if (level === 'seats') paintRowNames(ink, piece);
}

/** One seat again, after a change: its own floor over what was there. */
export function paintSeatAgain(ink: Ink, piece: Piece, seat: number): void {
  const { hall, palette, scale, level } = piece;
  const { x, y, radius } = placeOf(piece, seat);
  ink.fillStyle = palette.floor;
  ink.beginPath();
  if (level === 'rows') {
    const half = Math.ceil(hall.geometry.pitch * scale * 0.45);
    ink.rect(Math.round(x) - half, Math.round(y) - half, half * 2, half * 2);
  } else {
    ink.arc(x, y, radius * 1.2 + piece.ratio * 0.5, 0, Math.PI * 2);
  }
  ink.fill();
  paintSeats(ink, piece, [seat]);
}

function paintStage(ink: Ink, { hall: { stage }, box, scale, palette }: Piece): void {
  if (!touches(stage, box, 1)) return;
  const [left, right] = [(stage.left - box.left) * scale, (stage.right - box.left) * scale];
  const [top, bottom] = [(stage.top - box.top) * scale, (stage.bottom - box.top) * scale];
  const inset = (right - left) * 0.06;
  const bulge = (bottom - top) * 0.22;
  ink.fillStyle = palette.stage;
  ink.beginPath();
  ink.moveTo(left + inset, top);
  ink.lineTo(right - inset, top);
  ink.lineTo(right, bottom - bulge);
  // The edge towards the audience is round: that is where one looks from.
  ink.quadraticCurveTo((left + right) / 2, bottom + bulge, left, bottom - bulge);
  ink.closePath();
  ink.fill();
}

function paintFloor(ink: Ink, piece: Piece, section: Section, index: number): void {
  const { hall, palette, level, scale, ratio, box } = piece;
  const { outline } = section;
  ink.beginPath();
  for (let at = 0; at < outline.length; at += 2) {
    ink.lineTo(((outline[at] ?? 0) - box.left) * scale, ((outline[at + 1] ?? 0) - box.top) * scale);
  }
  ink.closePath();
  // The floor is wider than the middles of its seats by a round pen; a slightly wider pen before that makes the edge.
  const free = hall.freeOf[index] ?? 0;
  const isBlock = level === 'sections';
  const edge = isBlock && free > 0 ? (palette.grades[section.grade] ?? palette.edge) : palette.edge;
  const shade = palette.blocks[section.grade]?.[shadeOf(free, section.end - section.first)];
  const width = floorMarginMetres * 2 * scale;
  ink.lineJoin = 'round';
  ink.strokeStyle = edge;
  ink.lineWidth = width + (isBlock ? 2 : 1.5) * ratio;
  ink.stroke();
  ink.fillStyle = ink.strokeStyle = isBlock ? (shade ?? palette.floor) : palette.floor;
  ink.lineWidth = width;
  ink.stroke();
  ink.fill();
}

/** Thousands of these are drawn in a tile: numbers are put into this one place, and nothing is made for each seat. */
const spot = { x: 0, y: 0, radius: 0 };

function placeOf({ hall, box, scale }: Piece, seat: number): typeof spot {
  const { x, y, sectionOf, sections, pitch } = hall.geometry;
  const own = sections[sectionOf[seat] ?? 0]?.pitch ?? pitch;
  spot.x = ((x[seat] ?? 0) - box.left) * scale;
  spot.y = ((y[seat] ?? 0) - box.top) * scale;
  spot.radius = Math.min(own, 0.75) * scale * 0.4;
  return spot;
}

type Group = { readonly grade: number; readonly look: Look; readonly seats: number[] };

function paintSeats(ink: Ink, piece: Piece, seats: readonly number[]): void {
  const { hall, level } = piece;
  const { sections, sectionOf } = hall.geometry;
  const alike: (Group | undefined)[] = [];
  for (const seat of seats) {
    const state = hall.states[seat] ?? 3;
    const grade = sections[sectionOf[seat] ?? 0]?.grade ?? 0;
    const kind = state === 0 ? 4 + grade : state;
    (alike[kind] ??= { grade, look: lookOf(state), seats: [] }).seats.push(seat);
  }
  for (const group of alike) {
    if (!group) continue;
    if (level === 'rows') paintDots(ink, piece, group);
    else paintShapes(ink, piece, group);
  }
}

/** From afar: what is free is a full dot, everything else a thin trace of its row. */
function paintDots(ink: Ink, piece: Piece, { grade, look, seats }: Group): void {
  const { palette, scale, ratio, hall } = piece;
  const isFree = look === 'free';
  ink.fillStyle = isFree ? (palette.grades[grade] ?? palette.ink) : palette.taken;
  const side = isFree ? Math.max(2 * ratio, hall.geometry.pitch * scale * 0.66) : Math.max(1, ratio);
  for (const seat of seats) {
    const { x, y } = placeOf(piece, seat);
    ink.fillRect(Math.round(x - side / 2), Math.round(y - side / 2), Math.round(side), Math.round(side));
  }
}

function paintShapes(ink: Ink, piece: Piece, { grade, look, seats }: Group): void {
  const { palette, ratio } = piece;
  ink.beginPath();
  for (const seat of seats) {
    const { x, y, radius } = placeOf(piece, seat);
    if (look === 'sold') addCross(ink, x, y, radius * 0.42);
    else if (look === 'none') addShape(ink, 'circle', x, y, radius * 0.22);
    else
      addShape(
        ink,
        look === 'held' ? 'circle' : shapeOf(grade),
        x,
        y,
        look === 'held' ? radius * 0.72 : radius,
      );
  }
  if (look === 'held' || look === 'sold') {
    ink.lineCap = 'round';
    ink.lineWidth = Math.max(ratio, placeOf(piece, seats[0] ?? 0).radius * (look === 'held' ? 0.24 : 0.2));
    ink.strokeStyle = look === 'held' ? palette.held : palette.taken;
    ink.stroke();
    return;
  }
  ink.fillStyle = look === 'free' ? (palette.grades[grade] ?? palette.ink) : palette.taken;
  ink.fill();
  if (look === 'free') paintNumbers(ink, piece, seats);
}

function paintNumbers(ink: Ink, piece: Piece, seats: readonly number[]): void {
  const { hall, palette, scale, ratio } = piece;
  const pitch = hall.geometry.pitch * scale;
  if (!hasLabels(pitch / ratio)) return;
  ink.fillStyle = palette.onGrade;
  ink.font = `600 ${Math.round(pitch * 0.34)}px ${palette.font}`;
  ink.textAlign = 'center';
  ink.textBaseline = 'middle';
  for (const seat of seats) {
    const { x, y } = placeOf(piece, seat);
    ink.fillText(String(hall.geometry.seats[seat]?.number ?? ''), x, y + pitch * 0.02);
  }
}

function paintRowNames(ink: Ink, { hall, box, palette, scale, ratio }: Piece): void {
  const pitch = hall.geometry.pitch * scale;
  if (!hasRowNames(pitch / ratio)) return;
  ink.fillStyle = palette.inkSoft;
  ink.font = `500 ${Math.round(Math.max(pitch * 0.36, 9 * ratio))}px ${palette.font}`;
  ink.textAlign = 'center';
  ink.textBaseline = 'middle';
  for (const { label, x, y } of hall.rowNames) {
    if (x < box.left - 1 || x > box.right + 1 || y < box.top - 1 || y > box.bottom + 1) continue;
    ink.fillText(label, (x - box.left) * scale, (y - box.top) * scale);
  }
}

const touches = (one: Box, other: Box, margin: number): boolean =>
  one.left - margin < other.right &&
  one.right + margin > other.left &&
  one.top - margin < other.bottom &&
  one.bottom + margin > other.top;
