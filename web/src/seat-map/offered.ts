import type { Geometry, Row, Section } from './geometry.ts';
import { isFree } from './seat-state.ts';

// What the list offers: what can be chosen; all the rest only if asked for.

export type Wish = {
  readonly states: Uint8Array | undefined;
  /** Seats that stay in the list whatever becomes of them: chosen ones, and the one with the focus. */
  readonly kept: ReadonlySet<number>;
  readonly isAll: boolean;
};

export type OfferedRow = { readonly row: Row; readonly free: number };
export type OfferedSection = {
  readonly section: Section;
  readonly index: number;
  readonly free: number;
};

export function offeredSections({ sections }: Geometry, wish: Wish): OfferedSection[] {
  return sections
    .map((section, index) => ({ section, index, free: countFree(wish.states, section) }))
    .filter(({ section, free }) => free > 0 || wish.isAll || hasKept(wish, section));
}

export const offeredRows = ({ rows }: Section, wish: Wish): OfferedRow[] =>
  rows
    .map((row) => ({ row, free: countFree(wish.states, row) }))
    .filter(({ row, free }) => free > 0 || wish.isAll || hasKept(wish, row));

export function offeredSeats({ first, end }: Row, { states, kept, isAll }: Wish): number[] {
  const seats = Array.from({ length: end - first }, (_, at) => first + at);
  return isAll ? seats : seats.filter((seat) => kept.has(seat) || isFree(states?.[seat]));
}

type Range = { readonly first: number; readonly end: number };

function countFree(states: Uint8Array | undefined, { first, end }: Range): number {
  let free = 0;
  for (let seat = first; seat < end; seat++) if (isFree(states?.[seat])) free += 1;
  return free;
}

const hasKept = ({ kept }: Wish, { first, end }: Range): boolean =>
  [...kept].some((seat) => seat >= first && seat < end);
