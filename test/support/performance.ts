import type { Database } from '@tutti/kit/postgres';
import { randomBytes } from 'node:crypto';

/** A concert with one performance of `seats` seats, all of one price; returns the performance's id. */
export async function addPerformance(concert: Database, seats: number, price: number): Promise<string> {
  const id = `show-${randomBytes(4).toString('hex')}`;
  const translations = { title: 'Show', artist: 'Band', venue: 'Room' };
  await concert.query(`insert into venue (id, name) values ('room', 'Room') on conflict do nothing`);
  await concert.query(
    `insert into concert (id, venue_id, title, artist, translations, on_sale_at)
     values ($1, 'room', 'Show', 'Band', $2, now() - interval '1 day')`,
    [id, JSON.stringify({ ko: translations, en: translations })],
  );
  await concert.query(
    `insert into performance (id, concert_id, starts_at, seats_total, price_min, price_max, seat_map)
     values ($1, $1, now() + interval '30 days', $2, $3, $3, $4)`,
    [id, seats, price, mapOf(seats, price)],
  );
  await concert.query(
    `insert into seat (performance_id, id, index, label, price)
     select $1, 'S-' || n, n - 1, 'Seat ' || n, $3 from generate_series(1, $2) n`,
    [id, seats, price],
  );
  return id;
}

/** One long row. */
function mapOf(count: number, price: number): string {
  const seats = Array.from({ length: count }, (_, index) => ({
    seatId: `S-${index + 1}`,
    label: `Seat ${index + 1}`,
    row: '1',
    number: index + 1,
    x: index - (count - 1) / 2,
    y: 5,
  }));
  return JSON.stringify({ version: 1, sections: [{ name: 'Room', grade: 'R', price, seats }] });
}
