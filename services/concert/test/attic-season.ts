import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSeason, SeasonFault, type Season } from '../src/season.ts';

// A season small enough to see at a glance, for the tests to edit.

export const demoFile = fileURLToPath(new URL('../../../seasons/demo.yaml', import.meta.url));

export const venueText = `
venue: attic
name: { en: Attic, ko: 다락 }
capacity: 7
grades: [R, S]
sections:
  - { code: A, name: Front, grade: R, rows: 1, seats: 3, at: { x: 0, y: 4 } }
  - { code: B, name: Back, grade: S, rows: 1, seats: 4, at: { x: 0, y: 6 } }
`;

export const seasonText = `
season: test
concerts:
  - id: first
    title: { en: First, ko: 첫째 }
    artist: { en: One, ko: 하나 }
    venue: ../venues/attic.yaml
    onSaleAt: 2026-01-01T12:00:00+09:00
    prices: { R: 5000, S: 3000 }
    performances:
      - { id: first-1, startsAt: 2028-05-01T19:00:00+09:00 }
      - { id: first-2, startsAt: 2028-05-02T19:00:00+09:00 }
`;

export type Texts = { season?: string; venue?: string };

/** Reads the two files as a promoter would have them, in two folders of their own. */
export async function readTexts({ season = seasonText, venue = venueText }: Texts = {}): Promise<Season> {
  const folder = await mkdtemp(path.join(tmpdir(), 'season-of-a-test-'));
  try {
    await Promise.all(['venues', 'seasons'].map((name) => mkdir(path.join(folder, name))));
    await writeFile(path.join(folder, 'venues/attic.yaml'), venue);
    await writeFile(path.join(folder, 'seasons/test.yaml'), season);
    return await readSeason(path.join(folder, 'seasons/test.yaml'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The sentences of the refusal, with the folder taken off the file names. */
export async function faultsOf(work: Promise<unknown>): Promise<string[]> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof SeasonFault))
    throw new Error('It was not refused with sentences.', { cause: error });
  return error.faults.map((sentence) => sentence.replaceAll(/\S*\/season-of-a-test-\w+\//g, ''));
}

/** A text with something else in it; what it replaces has to be there. */
export const edit = (text: string, ...edits: [string, string][]): string =>
  edits.reduce((edited, [from, to]) => {
    if (!edited.includes(from)) throw new Error(`The text to edit has no ${from}.`);
    return edited.replace(from, to);
  }, text);
