import type { Delivery } from '@tutti/contracts';
import type { Queryable } from '@tutti/kit/postgres';

/** `takenAt`: epoch seconds by the database's clock, for the signature: receivers refuse what seems minutes old, or not to have been yet. */
export type Due = { id: string; body: string; attempts: number; takenAt: number };
export type Failure = { id: string; error: string; delayMs: number };
export type Receipt = { id: string; body: string };
export type Backlog = { due: number; setAside: number; oldestSeconds: number };

// Of the statement, not of each row.
const takenAt = '(select extract(epoch from clock_timestamp())::int) as "takenAt"';

/** Every statement of the partner service but its command (migrations/001_partner.sql). */
export class PartnerStore {
  readonly #database: Queryable;

  constructor(database: Queryable) {
    this.#database = database;
  }

  /** Those of these that nobody has tried yet. */
  async untried(ids: readonly string[]): Promise<Due[]> {
    return this.#database.query<Due>(
      `select id, body, attempts, ${takenAt} from delivery
       where id = any($1::uuid[]) and attempts = 0 and delivered_at is null`,
      [ids],
      'untried',
    );
  }

  /** Takes what is due for `leaseSeconds`: a deliverer that dies meanwhile leaves it due again afterwards. */
  async claim(most: number, leaseSeconds: number): Promise<Due[]> {
    return this.#database.query<Due>(
      `with due as (
         select id from delivery
         where delivered_at is null and set_aside_at is null and next_attempt_at <= now()
         order by next_attempt_at limit $1
         for update skip locked)
       update delivery d
       set next_attempt_at = now() + $2 * interval '1 second'
       from due where d.id = any (array[due.id])
       returning d.id, d.body, d.attempts, ${takenAt}`,
      [most, leaseSeconds],
      'claim',
    );
  }

  async markDelivered(ids: readonly string[]): Promise<void> {
    await this.#database.query(
      // Whoever took longer than its claim may find it noted by another: the first time stands.
      `update delivery set delivered_at = now(), attempts = attempts + 1, last_error = null
       where id = any($1::uuid[]) and delivered_at is null`,
      [ids],
      'mark_delivered',
    );
  }

  /** Puts failures off; what has failed for `giveUpHours` is set aside where an operator sees it. */
  async putOff(failures: readonly Failure[], giveUpHours: number): Promise<void> {
    await this.#database.query(
      `update delivery d
       set attempts = d.attempts + 1, last_error = f.error, next_attempt_at = now() + f."delayMs" * interval '1 millisecond',
           set_aside_at = case when d.created_at < now() - $2 * interval '1 hour' then now() end
       from jsonb_to_recordset($1::jsonb) as f(id uuid, error text, "delayMs" int)
       where d.id = f.id and d.delivered_at is null`,
      [JSON.stringify(failures), giveUpHours],
      'put_off',
    );
  }

  /** What the partner has not taken. Each part has an index of its own, small however much was delivered. */
  async backlog(): Promise<Backlog> {
    const [row] = await this.#database.query<Backlog>(
      `select (select count(*)::int from delivery where delivered_at is null and set_aside_at is null) as due,
              (select count(*)::int from delivery where delivered_at is null and set_aside_at is not null) as "setAside",
              (select coalesce(extract(epoch from now() - min(created_at)), 0)::float8 from delivery
               where delivered_at is null and set_aside_at is null) as "oldestSeconds"`,
      [],
    );
    return row ?? { due: 0, setAside: 0, oldestSeconds: 0 };
  }

  async undelivered(limit: number): Promise<Delivery[]> {
    return this.#database.query<Delivery>(
      `select id as "deliveryId", reservation_id as "reservationId", body::json ->> 'type' as type,
              rfc3339(created_at) as "createdAt", attempts, last_error as "lastError",
              rfc3339(next_attempt_at) as "nextAttemptAt", rfc3339(set_aside_at) as "setAsideAt"
       from delivery where delivered_at is null order by created_at, id limit $1`,
      [limit],
    );
  }

  /** Due at once; an operator who replays it wants to see what happens. */
  async replay(deliveryId: string): Promise<boolean> {
    const rows = await this.#database.query(
      `update delivery set next_attempt_at = now(), set_aside_at = null
       where id = $1 and delivered_at is null returning 1`,
      [deliveryId],
    );
    return rows.length === 1;
  }

  async receive(receipts: readonly Receipt[]): Promise<void> {
    await this.#database.query(
      `insert into stub_receipt (id, body)
       select r.id, r.body from jsonb_to_recordset($1::jsonb) as r(id text, body json)
       on conflict (id) do update set times = stub_receipt.times + 1`,
      [JSON.stringify(receipts)],
      'receive',
    );
  }

  async receipts(most: number, reservationId: string | null): Promise<object[]> {
    return this.#database.query(
      `select id as "webhookId", times, body, received_at as "receivedAt" from stub_receipt
       where $2::text is null or body ->> 'reservationId' = $2
       order by received_at desc limit $1`,
      [most, reservationId],
    );
  }
}
