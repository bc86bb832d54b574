import { concert } from '@tutti/contracts';
import { callHandle, commandSettings } from '@tutti/kit/participant';
import type { Connection, Database } from '@tutti/kit/postgres';
import type { CommandMessage, Outcome } from '@tutti/kit/saga';
import { sessionsOf, testDatabase, type Session, type TestDatabase } from '@tutti/kit/testing';
import { randomUUID } from 'node:crypto';
import { concertMigrations } from '../src/main.ts';

type Reservation = {
  status: string;
  payingSaga: string | null;
  seatIds: string[];
  extended: boolean;
  secondsLeft: number;
};

/** The concert service's tables and functions, and as many connections as a schedule needs. */
export class Hall {
  readonly database: Database;
  readonly connection: Connection;
  readonly session: () => Session;
  readonly close: () => Promise<void>;

  constructor({ database, connection }: TestDatabase, session: () => Session, close: () => Promise<void>) {
    this.database = database;
    this.connection = connection;
    this.session = session;
    this.close = close;
  }

  /** A performance with seats `S-1` … that cost 1,000 each, on sale. */
  async show(seats: number, id = `show-${randomUUID()}`): Promise<string> {
    await this.database.query(`insert into venue (id, name) values ('room', 'Room') on conflict do nothing`);
    await this.database.query(
      `insert into concert (id, venue_id, title, artist, translations, on_sale_at)
       values ($1, 'room', 'Show', 'Band', '{}', now() - interval '1 day')`,
      [id],
    );
    await this.database.query(
      `insert into performance (id, concert_id, starts_at, seats_total, price_min, price_max, seat_map)
       values ($1, $1, now() + interval '30 days', $2, 1000, 1000, '{}')`,
      [id, seats],
    );
    await this.database.query(
      `insert into seat (performance_id, id, index, label, price)
       select $1, 'S-' || n, n - 1, 'Seat ' || n, 1000 from generate_series(1, $2) n`,
      [id, seats],
    );
    return id;
  }

  /** A reservation of these seats, by a fan of its own unless one is named. */
  async reserved(
    show: string,
    seatIds: string[],
    userId: string = randomUUID(),
  ): Promise<{ id: string; userId: string }> {
    const command = reserve(show, seatIds, { userId });
    const [outcome] = await callHandle(this.database, [command]);
    if (!outcome || !('ok' in outcome))
      throw new Error(`The seats could not be reserved: ${JSON.stringify(outcome)}.`);
    return { id: command.saga, userId };
  }

  async reservation(id: string): Promise<Reservation> {
    const [row] = await this.database.query<Reservation>(
      `select status, paying_saga as "payingSaga", seat_ids as "seatIds", extended,
              extract(epoch from expires_at - now())::float8 as "secondsLeft"
       from reservation where id = $1`,
      [id],
    );
    if (!row) throw new Error(`There is no reservation ${id}.`);
    return row;
  }

  /** `status reservation` of every seat in order; without a reservation only the status. */
  async seats(show: string): Promise<string[]> {
    const rows = await this.database.query<{ seat: string }>(
      `select concat_ws(' ', status, reservation_id) as seat from seat where performance_id = $1 order by index`,
      [show],
    );
    return rows.map(({ seat }) => seat);
  }

  endsIn(reservationId: string, seconds: number): Promise<unknown> {
    return this.database.query(
      `update reservation set expires_at = now() + $2 * interval '1 second' where id = $1`,
      [reservationId, seconds],
    );
  }
}

export async function openHall(): Promise<Hall> {
  const settings = { ...commandSettings, 'tutti.hold_seconds': 300 };
  const test = await testDatabase(concertMigrations, { settings });
  const sessions = sessionsOf(test, settings);
  return new Hall(test, sessions.open, async () => {
    await sessions.close();
    await test.drop();
  });
}

type Who = { saga?: string; userId?: string };

const command = (type: string, saga: string, step: string, body: object): CommandMessage => ({
  type,
  saga,
  step,
  direction: 'do',
  body,
  replyTo: 'test',
  traceId: 'test',
});

export const reserve = (performanceId: string, seatIds: string[], who: Who = {}): CommandMessage => {
  const { saga = randomUUID(), userId = randomUUID() } = who;
  return command(concert.reserveSeats.name, saga, 'seats', { performanceId, seatIds, userId });
};

/** The command of a payment that takes its reservation for itself. */
export const markPaid = (
  { id, userId }: { id: string; userId: string },
  saga: string = randomUUID(),
): CommandMessage => command(concert.markPaid.name, saga, 'seats', { reservationId: id, userId });

/** Undoes what the same saga's `markPaid` did. */
export const markReserved = ({ id }: { id: string }, saga: string): CommandMessage => ({
  ...command(concert.markReserved.name, saga, 'seats', { reservationId: id }),
  direction: 'undo',
});

export const confirmPaid = ({ id }: { id: string }, saga: string): CommandMessage =>
  command(concert.confirmPaid.name, saga, 'confirmation', { reservationId: id });

export const cancel = ({ id, userId }: { id: string; userId: string }): CommandMessage =>
  command(concert.cancel.name, randomUUID(), 'cancel', { reservationId: id, userId });

/** What a test compares: `ok`, or the code of the refusal. */
export const verdict = (outcome: Outcome | undefined): string => {
  if (!outcome) return 'nothing';
  return 'ok' in outcome ? 'ok' : outcome.refused.code;
};
