import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
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
import { readVenue, type Venue } from './venue.ts';

// A season file names venues, and says what is played there, when, and for how many points. seasons/demo.yaml explains it.

export type SeasonPerformance = { readonly performanceId: string; readonly startsAt: string };

export type WaitingRoomTerms = { readonly inside: number; readonly pace: number };

export type SeasonConcert = {
  readonly concertId: string;
  readonly venue: Venue;
  readonly title: Translated;
  readonly artist: Translated;
  /** RFC 3339 in UTC, like all times here. */
  readonly onSaleAt: string;
  /** Points for a seat, by grade; every grade of the venue has one. */
  readonly prices: Readonly<Record<string, number>>;
  /** How many fans are inside at once, how many are let in a second at most; none: whoever comes may reserve. */
  readonly waitingRoom?: WaitingRoomTerms | undefined;
  readonly performances: readonly SeasonPerformance[];
};

export type Season = { readonly seasonId: string; readonly concerts: readonly SeasonConcert[] };

/** What is wrong with a season, all of it: shown to the promoter as sentences, without a stack. */
export class SeasonFault extends Error {
  override name = 'SeasonFault';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.faults = faults;
  }
}

const timeExample = 'Write a date and time with its offset, for example 2027-05-01T19:00:00+09:00.';
const time = z.iso
  .datetime({ offset: true, error: timeExample })
  .transform((written) => new Date(written).toISOString());

const performance = words(
  { id: slug('last-boat-home-1'), startsAt: time },
  'a performance: { id: last-boat-home-1, startsAt: 2027-05-01T19:00:00+09:00 }',
);

const usualTerms: WaitingRoomTerms = { inside: 500, pace: 50 };

const waitingRoom = words(
  {
    inside: wholeNumberOf('how many fans are inside at once', {
      from: 1,
      to: 20_000,
      example: '500',
    }).default(usualTerms.inside),
    pace: numberOf('how many fans are let in a second', { from: 0, to: 10_000, example: '50' }).default(
      usualTerms.pace,
    ),
  },
  'a waiting room: { inside: 500, pace: 50 }',
);

const concert = words(
  {
    id: slug('last-boat-home'),
    title: translated('Last Boat Home', '마지막 배를 타고'),
    artist: translated('Night Ferry', '나이트 페리'),
    venue: line('../venues/lantern-room.yaml'),
    onSaleAt: time,
    // A payment of nothing has no place in the ledger: the least is one point.
    prices: z.record(
      z.string(),
      wholeNumberOf('the points', { from: 1, to: 100_000_000, example: '132000' }),
      {
        error: 'Write a price for each grade of the venue: { VIP: 165000, R: 132000 }.',
      },
    ),
    waitingRoom: waitingRoom.optional(),
    performances: z
      .array(performance, { error: 'Write a list of performances.' })
      .min(1, { error: 'Write at least one performance.' }),
  },
  'a concert: the words id, title, artist, venue, onSaleAt, prices and performances',
);

const season = words(
  {
    season: slug('demo'),
    concerts: z.array(concert, { error: 'Write a list of concerts.' }),
  },
  'a season: the words season and concerts',
);

type SeasonDescription = z.output<typeof season>;
type Concert = SeasonDescription['concerts'][number];

/** Reads a season file and the venue files that it names, or throws a `SeasonFault` with every fault of all of them. */
export async function readSeason(path: string): Promise<Season> {
  const text = await readIfThere(path);
  if (text === undefined)
    throw new SeasonFault([`There is no file ${path}; write the path of a season file.`]);
  const file = parsePromoterFile(text, path, season);
  const venues = await readVenues(path, file);
  const faults = [...file.faults, ...venues.faults, ...crossFaults(file, venues.byName)];
  if (faults.length > 0 || !file.value) throw new SeasonFault(faults);
  const concerts = file.value.concerts.flatMap((written) => {
    const venue = venues.byName.get(written.venue);
    return venue ? [concertOf(written, venue)] : [];
  });
  return { seasonId: file.value.season, concerts };
}

function concertOf({ id, performances, ...written }: Concert, venue: Venue): SeasonConcert {
  return {
    ...written,
    concertId: id,
    venue,
    performances: performances.map((one) => ({ performanceId: one.id, startsAt: one.startsAt })),
  };
}

type Venues = { readonly byName: ReadonlyMap<string, Venue>; readonly faults: readonly string[] };

/** Every venue once, by the name that the season calls it by. */
async function readVenues(seasonPath: string, file: Parsed<SeasonDescription>): Promise<Venues> {
  const named = venueNames.parse(file.raw).concerts.map(({ venue }) => venue);
  const byName = new Map<string, Venue>();
  const faults: string[] = [];
  for (const [index, name] of named.entries()) {
    if (name === undefined || named.indexOf(name) < index) continue;
    const path = join(dirname(seasonPath), name);
    const text = await readIfThere(path);
    if (text === undefined) {
      const message = `There is no file ${path}; write the venue's path as seen from this file.`;
      faults.push(file.faultAt(['concerts', index, 'venue'], message));
      continue;
    }
    const venue = readVenue(text, path);
    faults.push(...venue.faults);
    if (venue.value) byName.set(name, venue.value);
  }
  return { byName, faults };
}

// What can be read of a season even if the rest of it is wrong: so the faults of its venues are told at once with its own.
const venueNames = z
  .looseObject({
    concerts: z
      .array(z.looseObject({ venue: z.string().optional().catch(undefined) }).catch({ venue: undefined }))
      .catch([]),
  })
  .catch({ concerts: [] });

/** What no single part can know: ids that stand twice, prices beside grades, dates in the wrong order. */
function crossFaults(file: Parsed<SeasonDescription>, venues: ReadonlyMap<string, Venue>): string[] {
  const concerts = file.value?.concerts ?? [];
  return [
    ...idFaults(file, concerts),
    ...venueFaults(file, concerts, venues),
    ...concerts.flatMap(concertFaults(file, venues)),
  ];
}

function idFaults({ faultAt }: Parsed<unknown>, concerts: readonly Concert[]): string[] {
  const performances = concerts.flatMap((one, concertIndex) =>
    one.performances.map(({ id }, index) => ({
      id,
      path: ['concerts', concertIndex, 'performances', index, 'id'],
    })),
  );
  return [
    ...repeated(concerts.map(({ id }) => id)).map(({ index, value }) =>
      faultAt(
        ['concerts', index, 'id'],
        `The id "${value}" is already another concert's; write another one.`,
      ),
    ),
    ...repeated(performances.map(({ id }) => id)).map(({ index, value }) =>
      faultAt(
        performances[index]?.path ?? [],
        `The id "${value}" is already another performance's; write one that the whole season has once.`,
      ),
    ),
  ];
}

/** Two files that call themselves the same venue. */
function venueFaults(
  { faultAt }: Parsed<unknown>,
  concerts: readonly Concert[],
  venues: ReadonlyMap<string, Venue>,
): string[] {
  const named = [...venues].map(([name, { venueId }]) => ({ name, venueId }));
  return repeated(named.map(({ venueId }) => venueId)).map(({ index, value }) => {
    const at = concerts.findIndex(({ venue }) => venue === named[index]?.name);
    return faultAt(
      ['concerts', at, 'venue'],
      `Another venue file of this season calls its venue "${value}", too; give one of them another name.`,
    );
  });
}

const concertFaults =
  ({ faultAt }: Parsed<unknown>, venues: ReadonlyMap<string, Venue>) =>
  ({ onSaleAt, performances, prices, venue }: Concert, index: number): string[] => {
    const grades = venues.get(venue)?.grades;
    const priced = Object.keys(prices);
    const missing = grades?.filter((grade) => !priced.includes(grade)) ?? [];
    const unknown = grades ? priced.filter((grade) => !grades.includes(grade)) : [];
    return [
      ...missing.map((grade) =>
        faultAt(
          ['concerts', index, 'prices'],
          `The venue's grade "${grade}" has no price; write one: ${grade}: 132000.`,
        ),
      ),
      ...unknown.map((grade) =>
        faultAt(
          ['concerts', index, 'prices', grade],
          `The venue has no grade "${grade}"; its grades are ${grades?.join(', ')}.`,
        ),
      ),
      ...performances.flatMap(({ startsAt }, at) =>
        startsAt > onSaleAt
          ? []
          : [
              faultAt(
                ['concerts', index, 'performances', at, 'startsAt'],
                'It would start before its sale; write a time after onSaleAt.',
              ),
            ],
      ),
    ];
  };

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
