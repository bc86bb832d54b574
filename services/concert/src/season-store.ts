import type { Database, Queryable } from '@tutti/kit/postgres';
import { crashPoint } from '@tutti/kit/service';
import { SeasonFault, type Season, type SeasonConcert, type SeasonPerformance } from './season.ts';

/** How much the season holds, and how many of its concerts and performances were new or different. */
export type Loaded = { concerts: number; performances: number; seats: number; changed: number };

type Transactions = Pick<Database, 'transaction'>;

/**
 * Writes a season into the concert service's database: a transaction for each concert and each performance, so that a
 * load which was killed goes on where it was when it is started again. What is refused leaves its concert or performance as
 * it was and is told at the end, in a `SeasonFault`, after all the rest was loaded.
 */
export async function loadSeason(database: Transactions, season: Season): Promise<Loaded> {
  const faults: string[] = [];
  const loaded: Loaded = { concerts: 0, performances: 0, seats: 0, changed: 0 };
  const count = async (step: Promise<boolean>): Promise<boolean> => {
    try {
      if (await step) loaded.changed++;
      return true;
    } catch (error) {
      if (!(error instanceof SeasonFault)) throw error;
      faults.push(...error.faults);
      return false;
    }
  };
  for (const concert of season.concerts) {
    if (!(await count(loadConcert(database, concert)))) continue;
    loaded.concerts++;
    crashPoint('season.while-loading');
    const seats = seatsOf(concert);
    for (const performance of concert.performances) {
      if (!(await count(loadPerformance(database, concert, performance, seats)))) continue;
      loaded.performances++;
      loaded.seats += seats.length;
    }
  }
  if (faults.length > 0) throw new SeasonFault(faults);
  return loaded;
}

const loadConcert = (database: Transactions, concert: SeasonConcert): Promise<boolean> =>
  database.transaction(async (tx) => {
    const { concertId, venue, title, artist, onSaleAt, waitingRoom } = concert;
    const [moving] = await tx.query<{ from: string }>(
      `select c.venue_id as "from" from concert c
       where c.id = $1 and c.venue_id <> $2 and exists (select 1 from performance p where p.concert_id = c.id)`,
      [concertId, venue.venueId],
    );
    // The same seat id would be another place in another hall.
    if (moving) {
      throw new SeasonFault([
        `The concert ${concertId} is in the venue ${moving.from} and cannot move to ${venue.venueId}; give the new one another id.`,
      ]);
    }
    const venues = await tx.query(
      `insert into venue (id, name) values ($1, $2)
       on conflict (id) do update set name = excluded.name where venue.name <> excluded.name
       returning id`,
      [venue.venueId, venue.name.en],
    );
    const concerts = await tx.query(
      // The pace and the opening are what the promoter last said: of a concert that is there already, they stay.
      `insert into concert as c
         (id, venue_id, title, artist, translations, on_sale_at, season_on_sale_at, inside, pace, guarded_since)
       values ($1, $2, $3, $4, $5, $6, $6, $7, $8, case when $7::int is not null then now() end)
       on conflict (id) do update
       set venue_id = excluded.venue_id, title = excluded.title, artist = excluded.artist,
           translations = excluded.translations, version = c.version + 1,
           on_sale_at = case when c.season_on_sale_at is distinct from excluded.season_on_sale_at
                        then excluded.on_sale_at else c.on_sale_at end,
           season_on_sale_at = excluded.season_on_sale_at,
           inside = excluded.inside,
           pace = case when excluded.inside is not null then coalesce(c.pace, excluded.pace) end,
           guarded_since = case when excluded.inside is not null then coalesce(c.guarded_since, now()) end
       where (c.venue_id, c.title, c.artist, c.translations::text, c.season_on_sale_at, c.inside) is distinct from
             (excluded.venue_id, excluded.title, excluded.artist, excluded.translations::text,
              excluded.season_on_sale_at, excluded.inside)
       returning c.id`,
      [
        concertId,
        venue.venueId,
        title.en,
        artist.en,
        translationsOf(concert),
        onSaleAt,
        waitingRoom?.inside ?? null,
        waitingRoom?.pace ?? null,
      ],
    );
    return venues.length + concerts.length > 0;
  });

/** Compared as text, so always written in the same order. */
function translationsOf({ title, artist, venue }: SeasonConcert): string {
  const into = (language: 'ko' | 'en') => ({
    title: title[language],
    artist: artist[language],
    venue: venue.name[language],
  });
  return JSON.stringify({ ko: into('ko'), en: into('en') });
}

type PricedSeat = {
  readonly seatId: string;
  readonly label: string;
  readonly grade: string;
  readonly price: number;
};

/** In the order of the seat map: a seat's place here is its index. */
const seatsOf = ({ venue, prices }: SeasonConcert): PricedSeat[] =>
  venue.sections.flatMap(({ grade, seats }) =>
    seats.map(({ seatId, label }) => ({ seatId, label, grade, price: priceOf(prices, grade) })),
  );

/** The document of `GET /performances/{id}/seat-map`. */
const seatMapOf = ({ venue, prices }: SeasonConcert, version: number): string =>
  JSON.stringify({
    version,
    sections: venue.sections.map(({ name, grade, seats }) => ({
      name,
      grade,
      price: priceOf(prices, grade),
      seats,
    })),
  });

function priceOf(prices: SeasonConcert['prices'], grade: string): number {
  const price = prices[grade];
  if (price === undefined) throw new Error(`readSeason let a season pass without a price for ${grade}.`);
  return price;
}

type Stored = { concertId: string; startsAt: Date; version: number; seatMap: string };

const loadPerformance = (
  database: Transactions,
  concert: SeasonConcert,
  performance: SeasonPerformance,
  seats: readonly PricedSeat[],
): Promise<boolean> =>
  database.transaction(async (tx) => {
    const { performanceId, startsAt } = performance;
    // Two loads at once take turns. A name is locked because the row may not exist, and because its own lock must come
    // last: commands lock seats first and the performance after them.
    await tx.query(`select pg_advisory_xact_lock(hashtextextended('season/' || $1, 0))`, [performanceId]);
    const [stored] = await tx.query<Stored>(
      `select concert_id as "concertId", starts_at as "startsAt", seat_map_version as version, seat_map as "seatMap"
       from performance where id = $1`,
      [performanceId],
    );
    if (!stored) {
      await insertPerformance(tx, concert, performance, seats);
      return true;
    }
    if (stored.concertId !== concert.concertId) {
      throw new SeasonFault([
        `The performance ${performanceId} belongs to the concert ${stored.concertId}; give the one of ${concert.concertId} another id.`,
      ]);
    }
    // The map says all that the seats' rows say, and both are only ever written together.
    const sameSeats = stored.seatMap === seatMapOf(concert, stored.version);
    if (!sameSeats) await changeSeats(tx, performanceId, seats, seatMapOf(concert, stored.version + 1));
    const sameTime = stored.startsAt.getTime() === Date.parse(startsAt);
    if (!sameTime)
      await tx.query('update performance set starts_at = $2 where id = $1', [performanceId, startsAt]);
    return !sameSeats || !sameTime;
  });

async function insertPerformance(
  tx: Queryable,
  concert: SeasonConcert,
  { performanceId, startsAt }: SeasonPerformance,
  seats: readonly PricedSeat[],
): Promise<void> {
  await tx.query(
    `insert into performance (id, concert_id, starts_at, seats_total, price_min, price_max, seat_map)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [performanceId, concert.concertId, startsAt, seats.length, ...priceRange(seats), seatMapOf(concert, 1)],
  );
  await writeSeats(tx, performanceId, seats);
}

function priceRange(seats: readonly PricedSeat[]): [min: number, max: number] {
  const prices = seats.map(({ price }) => price);
  return [Math.min(...prices), Math.max(...prices)];
}

/** New, changed and removed seats, and the map that shows them. Reservations keep the label and price of their hold. */
async function changeSeats(
  tx: Queryable,
  performanceId: string,
  seats: readonly PricedSeat[],
  seatMap: string,
): Promise<void> {
  // In key order, as commands lock them: neither ever waits for the other in a circle.
  await tx.query('select 1 from seat where performance_id = $1 order by id for update', [performanceId]);
  await removeOthers(tx, performanceId, seats);
  await writeSeats(tx, performanceId, seats);
  await tx.query(
    `update performance
     set seats_total = $2, price_min = $3, price_max = $4, seat_map = $5, seat_map_version = seat_map_version + 1
     where id = $1`,
    [performanceId, seats.length, ...priceRange(seats), seatMap],
  );
}

async function removeOthers(
  tx: Queryable,
  performanceId: string,
  seats: readonly PricedSeat[],
): Promise<void> {
  const others =
    't.performance_id = $1 and not exists (select 1 from unnest($2::text[]) as w(id) where w.id = t.id)';
  const values = [performanceId, seats.map(({ seatId }) => seatId)];
  const taken = await tx.query<{ id: string }>(
    `select t.id from seat t where ${others} and t.status <> 'available' order by t.index`,
    values,
  );
  const ids = taken.map(({ id }) => id);
  if (ids.length > 0) throw new SeasonFault([takenSentence(performanceId, ids)]);
  await tx.query(`delete from seat t where ${others}`, values);
}

function takenSentence(performanceId: string, ids: readonly string[]): string {
  const [lost, back] =
    ids.length === 1
      ? ['a seat that is', 'put it back into the venue file, or cancel its reservation first.']
      : [
          `${ids.length} seats that are`,
          'put them back into the venue file, or cancel their reservations first.',
        ];
  const shown = ids.slice(0, 6).join(', ') + (ids.length > 6 ? ', …' : '');
  return `The performance ${performanceId} would lose ${lost} reserved or paid (${shown}); ${back}`;
}

const writeSeats = (tx: Queryable, performanceId: string, seats: readonly PricedSeat[]): Promise<unknown> =>
  tx.query(
    `insert into seat as t (performance_id, id, index, label, price, grade)
     select $1, w.id, w.nth - 1, w.label, w.price, w.grade
     from unnest($2::text[], $3::text[], $4::int[], $5::text[]) with ordinality as w(id, label, price, grade, nth)
     on conflict (performance_id, id) do update
     set index = excluded.index, label = excluded.label, price = excluded.price, grade = excluded.grade
     where (t.index, t.label, t.price, t.grade) is distinct from
           (excluded.index, excluded.label, excluded.price, excluded.grade)`,
    [
      performanceId,
      seats.map(({ seatId }) => seatId),
      seats.map(({ label }) => label),
      seats.map(({ price }) => price),
      seats.map(({ grade }) => grade),
    ],
  );
