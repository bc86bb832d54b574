import { describe, expect, test } from 'vitest';
import { readSeason } from '../src/season.ts';
import { demoFile, edit, faultsOf, readTexts, seasonText, venueText } from './attic-season.ts';

describe('reading a season', () => {
  test('finds the demo season in order', async () => {
    const season = await readSeason(demoFile);
    const performances = season.concerts.flatMap((one) => one.performances);
    const totals = season.concerts.map(({ venue, performances: dates }) => {
      const seats = venue.sections.reduce((sum, one) => sum + one.seats.length, 0);
      return seats * dates.length;
    });
    expect(season.concerts.length).toBeGreaterThanOrEqual(5);
    expect(new Set(season.concerts.map(({ venue }) => venue.venueId)).size).toBe(3);
    expect(totals.reduce((sum, one) => sum + one, 0)).toBeLessThan(45_000);
    // The demo's sale is to stay open for a long time.
    expect(season.concerts.filter(({ onSaleAt }) => onSaleAt > '2026-06')).toEqual([]);
    expect(performances.filter(({ startsAt }) => startsAt < '2027-06')).toEqual([]);
  });

  test('reads each venue once, and times into UTC', async () => {
    const { concerts } = await readTexts();
    expect(concerts).toMatchObject([
      {
        concertId: 'first',
        title: { en: 'First', ko: '첫째' },
        onSaleAt: '2026-01-01T03:00:00.000Z',
        performances: [{ performanceId: 'first-1', startsAt: '2028-05-01T10:00:00.000Z' }, {}],
      },
    ]);
    const demo = await readSeason(demoFile);
    expect(new Set(demo.concerts.map(({ venue }) => venue)).size).toBe(3);
  });

  test('tells the faults of the season and of its venues at once', async () => {
    const season = edit(seasonText, ['R: 5000', 'R: free'], ['2028-05-02T19:00:00+09:00', 'tomorrow']);
    const venue = edit(venueText, ['grade: S', 'grade: T']);
    expect(await faultsOf(readTexts({ season, venue }))).toEqual([
      'seasons/test.yaml, line 9 (concerts › first › prices › R): Write the points as a whole number from 1 to 100000000 without separators, for example 132000.',
      'seasons/test.yaml, line 12 (concerts › first › performances › first-2 › startsAt): Write a date and time with its offset, for example 2027-05-01T19:00:00+09:00.',
      'venues/attic.yaml, line 8 (sections › B › grade): There is no grade "T"; write one of R, S, or add it to `grades`.',
      'venues/attic.yaml, line 5 (grades › number 2): No section has the grade "S"; remove it or give it to a section.',
    ]);
  });

  test('tells what no single file can know', async () => {
    const season = edit(
      seasonText,
      ['S: 3000', 'VIP: 3000'],
      ['id: first-2', 'id: first-1'],
      ['2028-05-01', '2025-05-01'],
    );
    expect(await faultsOf(readTexts({ season }))).toEqual([
      'seasons/test.yaml, line 12 (concerts › first › performances › first-1 › id): The id "first-1" is already another performance\'s; write one that the whole season has once.',
      'seasons/test.yaml, line 9 (concerts › first › prices): The venue\'s grade "S" has no price; write one: S: 132000.',
      'seasons/test.yaml, line 9 (concerts › first › prices › VIP): The venue has no grade "VIP"; its grades are R, S.',
      'seasons/test.yaml, line 11 (concerts › first › performances › first-1 › startsAt): It would start before its sale; write a time after onSaleAt.',
    ]);
  });

  test('tells which file is not there', async () => {
    const season = edit(seasonText, ['attic.yaml', 'cellar.yaml']);
    expect(await faultsOf(readTexts({ season }))).toEqual([
      "seasons/test.yaml, line 7 (concerts › first › venue): There is no file venues/cellar.yaml; write the venue's path as seen from this file.",
    ]);
    expect(await faultsOf(readSeason('none.yaml'))).toEqual([
      'There is no file none.yaml; write the path of a season file.',
    ]);
  });
});
