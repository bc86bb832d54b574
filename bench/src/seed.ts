import { Database } from '@tutti/kit/postgres';
import { seatPrice, type Crowd } from './crowd.ts';
import { stores, type RunningSystem } from './system.ts';

/** Where each part of a run takes its seats from, so that no part eats another's. */
export const stages = { main: 'bench-main', warmUp: 'bench-warm-up', race: 'bench-race' } as const;
export type SeatCounts = Readonly<Record<keyof typeof stages, number>>;

const options = { connectionsMax: 1, statementTimeoutMs: 600_000, lockTimeoutMs: 600_000 };

/** Runs `work` on each of the system's databases in turn. */
async function each(
  system: RunningSystem,
  work: (database: Database, store: (typeof stores)[number]) => Promise<void>,
) {
  for (const store of stores) {
    const database = new Database(system.databases[store], options);
    try {
      await work(database, store);
    } finally {
      await database.close();
    }
  }
}

/** Everybody and everything there is, in bulk; then what autovacuum would do in the first minutes, and a checkpoint. */
export async function seed(system: RunningSystem, { fans }: Crowd, seats: SeatCounts): Promise<void> {
  const ids = fans.map(({ id }) => id);
  const points = fans.map((fan) => fan.points);
  await each(system, async (database, store) => {
    if (store === 'user')
      await database.query(
        `insert into account (id, name, email, password_hash)
         select id, 'Fan', id || '@fans.example', 'none' from unnest($1::uuid[]) id`,
        [ids],
      );
    if (store === 'payment') {
      await database.query(
        'insert into wallet (user_id, balance) select * from unnest($1::uuid[], $2::bigint[])',
        [ids, points],
      );
      await database.query(
        `insert into entry (id, user_id, type, amount, balance_after, position, at)
         select gen_random_uuid(), user_id, 'charge', balance, balance, 1, now() from wallet where balance > 0`,
      );
    }
    if (store === 'concert') {
      await addVenue(database);
      for (const stage of ['main', 'warmUp', 'race'] as const)
        await addShow(database, stages[stage], seats[stage]);
    }
  });
  await each(system, async (database) => {
    await database.query('vacuum (analyze)');
    await database.query('checkpoint');
  });
}

const texts = { title: 'Show', artist: 'Band', venue: 'Room' };

async function addVenue(concert: Database): Promise<void> {
  await concert.query(`insert into venue (id, name) values ('bench', 'Room')`);
  await concert.query(
    `insert into concert (id, venue_id, title, artist, translations, on_sale_at)
     values ('bench', 'bench', 'Show', 'Band', $1, now() - interval '1 day')`,
    [JSON.stringify({ ko: texts, en: texts })],
  );
}

/** A performance of the bench's concert with so many seats of one price. */
export async function addShow(concert: Database, id: string, seats: number): Promise<void> {
  await concert.query(
    `insert into performance (id, concert_id, starts_at, seats_total, price_min, price_max, seat_map)
     values ($1, 'bench', now() + interval '30 days', $2, $3, $3, '{"version":1,"sections":[]}')`,
    [id, seats, seatPrice],
  );
  await concert.query(
    `insert into seat (performance_id, id, index, label, price)
     select $1, 'S-' || n, n - 1, 'Seat ' || n, $3 from generate_series(1, $2) n`,
    [id, seats, seatPrice],
  );
}
