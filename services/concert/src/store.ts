import {
  packSeats,
  seatCodes,
  type Availability,
  type Concert,
  type ConcertEdit,
  type ConcertQueries,
  type KnownAvailability,
  type OnePerformance,
  type Page,
  type Performance,
  type Reservation,
  type SeatList,
  type TicketFacts,
} from '@tutti/contracts';
import type { Queryable } from '@tutti/kit/postgres';

const concertColumns = `
  c.id as "concertId", c.title, c.artist, v.name as venue, rfc3339(c.on_sale_at) as "onSaleAt",
  case when c.sale_state = 'open' and c.on_sale_at > now() then 'scheduled' else c.sale_state end as "saleState",
  json_build_object('min', coalesce(p.min, 0), 'max', coalesce(p.max, 0)) as "priceRange",
  c.inside is not null as "waitingRoom", c.translations, c.version`;

const concertTables = `
  concert c
  join venue v on v.id = c.venue_id
  left join lateral (
    select min(f.price_min) as min, max(f.price_max) as max from performance f where f.concert_id = c.id) p on true`;

const performanceColumns = `
  p.id as "performanceId", rfc3339(p.starts_at) as "startsAt", p.seats_total as "seatsTotal",
  (select count(*)::int from seat t where t.performance_id = p.id and t.status = 'available') as "seatsAvailable"`;

const reservationColumns = `
  id as "reservationId", status, performance_id as "performanceId", seats, amount, rfc3339(expires_at) as "expiresAt"`;

/** What the concert service answers to queries. Commands are in migrations/002_commands.sql. */
export class ConcertStore implements ConcertQueries {
  readonly #database: Queryable;

  constructor(database: Queryable) {
    this.#database = database;
  }

  async concerts(limit: number, after: string | null): Promise<Page<Concert, string>> {
    const rows = await this.#database.query<Concert>(
      `select ${concertColumns} from ${concertTables}
       where $2::text is null or c.id > $2 order by c.id limit $1`,
      [limit + 1, after],
    );
    return pageOf(rows, limit, (row) => row.concertId);
  }

  async concert(concertId: string): Promise<Concert | null> {
    const [row] = await this.#database.query<Concert>(
      `select ${concertColumns} from ${concertTables} where c.id = $1`,
      [concertId],
    );
    return row ?? null;
  }

  /** Optimistic: two people seldom edit one concert, and the one who comes second is told instead of overwriting. */
  async editConcert(
    concertId: string,
    version: number,
    edit: ConcertEdit,
  ): Promise<Concert | 'not_found' | 'conflict'> {
    const rows = await this.#database.query(
      `update concert c
       set title = coalesce($3, c.title), artist = coalesce($4, c.artist),
           translations = jsonb_set(jsonb_set(c.translations::jsonb,
             '{en,title}', to_jsonb(coalesce($3, c.title))), '{en,artist}', to_jsonb(coalesce($4, c.artist))),
           on_sale_at = coalesce($5, c.on_sale_at),
           sale_state = coalesce($6, c.sale_state), version = c.version + 1
       where c.id = $1 and c.version = $2
       returning c.id`,
      [
        concertId,
        version,
        edit.title ?? null,
        edit.artist ?? null,
        edit.onSaleAt ?? null,
        edit.saleState ?? null,
      ],
    );
    const now = await this.concert(concertId);
    if (!now) return 'not_found';
    return rows.length === 1 ? now : 'conflict';
  }

  async performances(
    concertId: string,
    limit: number,
    after: string | null,
  ): Promise<Page<Performance, string> | null> {
    const known = await this.#database.query('select 1 from concert where id = $1', [concertId]);
    if (known.length === 0) return null;
    const rows = await this.#database.query<Performance & { place: string }>(
      `select ${performanceColumns}, rfc3339(p.starts_at) || ' ' || p.id as place
       from performance p
       where p.concert_id = $1 and p.starts_at > now()
         and ($3::text is null or rfc3339(p.starts_at) || ' ' || p.id > $3 collate "C")
       order by rfc3339(p.starts_at) || ' ' || p.id collate "C" limit $2`,
      [concertId, limit + 1, after],
    );
    const page = pageOf(rows, limit, (row) => row.place);
    return { ...page, items: page.items.map(({ place: _, ...performance }) => performance) };
  }

  async performance(performanceId: string): Promise<OnePerformance | null> {
    const [row] = await this.#database.query<OnePerformance>(
      `select ${performanceColumns}, p.concert_id as "concertId" from performance p where p.id = $1`,
      [performanceId],
    );
    return row ?? null;
  }

  async seatMap(performanceId: string): Promise<{ version: number; body: string } | null> {
    const [row] = await this.#database.query<{ version: number; body: string }>(
      'select seat_map_version as version, seat_map as body from performance where id = $1',
      [performanceId],
      'seat_map',
    );
    return row ?? null;
  }

  async seats(performanceId: string, onlyAvailable: boolean): Promise<SeatList | null> {
    const [row] = await this.#database.query<SeatList>(
      `select p.seat_map_version as version, p.sequence,
              coalesce(json_agg(json_build_object('seatId', t.id, 'label', t.label, 'status', t.status, 'price', t.price)
                order by t.index) filter (where t.id is not null), '[]') as seats
       from performance p
       left join seat t on t.performance_id = p.id and (not $2 or t.status = 'available')
       where p.id = $1
       group by p.id`,
      [performanceId, onlyAvailable],
      'seats',
    );
    return row ?? null;
  }

  /** One statement, so that sequence and seats are of one moment. The seats are only read where something has changed. */
  async availability(known: readonly KnownAvailability[]): Promise<Availability[]> {
    const rows = await this.#database.query<Omit<Availability, 'seats'> & { codes: string | null }>(
      `select p.id as "performanceId", p.seat_map_version as version, p.sequence,
              case when (p.seat_map_version, p.sequence) is distinct from (k.version, k.sequence) then (
                select coalesce(string_agg(case t.status when 'available' then '${seatCodes.available}'
                  when 'reserved' then '${seatCodes.reserved}' else '${seatCodes.paid}' end, '' order by t.index), '')
                from seat t where t.performance_id = p.id) end as codes
       from unnest($1::text[], $2::int[], $3::bigint[]) as k(id, version, sequence)
       join performance p on p.id = k.id`,
      [
        known.map(({ performanceId }) => performanceId),
        known.map(({ version }) => version),
        known.map(({ sequence }) => sequence),
      ],
      'availability',
    );
    return rows.map(({ codes, ...row }) => ({ ...row, seats: codes === null ? null : packSeats(codes) }));
  }

  /** Newest first; `before` is the id of the last one already seen. Ids grow with time. */
  async reservations(
    userId: string,
    limit: number,
    before: string | null,
  ): Promise<Page<Reservation, string>> {
    const rows = await this.#database.query<Reservation>(
      `select ${reservationColumns} from reservation
       where user_id = $1 and ($3::uuid is null
         or (created_at, id) < (select created_at, id from reservation where user_id = $1 and id = $3))
       order by created_at desc, id desc limit $2`,
      [userId, limit + 1, before],
      'reservations',
    );
    return pageOf(rows, limit, (row) => row.reservationId);
  }

  async hasReservations(userId: string): Promise<boolean> {
    const rows = await this.#database.query(
      `select 1 from reservation r join performance p on p.id = r.performance_id
       where r.user_id = $1 and (r.status in ('reserved', 'paying') or (r.status = 'paid' and p.starts_at > now())) limit 1`,
      [userId],
    );
    return rows.length > 0;
  }

  async reservation(userId: string, reservationId: string): Promise<Reservation | null> {
    const [row] = await this.#database.query<Reservation>(
      `select ${reservationColumns} from reservation where user_id = $1 and id = $2`,
      [userId, reservationId],
      'reservation',
    );
    return row ?? null;
  }

  async ticket(userId: string, reservationId: string): Promise<TicketFacts | null> {
    const [row] = await this.#database.query<TicketFacts>(
      `select ${reservationColumns}, case when status = 'paid' then rfc3339(paid_at) end as "paidAt"
       from reservation where user_id = $1 and id = $2`,
      [userId, reservationId],
      'ticket',
    );
    return row ?? null;
  }

  async cancelledTickets(
    performanceId: string,
    limit: number,
    after: string | null,
  ): Promise<Page<string, string> | null> {
    const known = await this.#database.query('select 1 from performance where id = $1', [performanceId]);
    if (known.length === 0) return null;
    const rows = await this.#database.query<{ id: string }>(
      `select id from reservation
       where performance_id = $1 and status = 'cancelled' and paid_at is not null and ($3::uuid is null or id > $3)
       order by id limit $2`,
      [performanceId, limit + 1, after],
    );
    const ids = rows.map(({ id }) => id);
    return pageOf(ids, limit, (id) => id);
  }
}

/** A statement asks for one row more than it shows: that row only says that there is a next page. */
function pageOf<T>(rows: readonly T[], limit: number, cursor: (row: T) => string): Page<T, string> {
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return { items: rows.slice(0, limit), next: last === undefined ? null : cursor(last) };
}
