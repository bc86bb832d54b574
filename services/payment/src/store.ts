import type { Queryable } from '@tutti/kit/postgres';
import type { Page, PointEntry } from '@tutti/contracts';

/** What the payment service answers to queries. Commands are in migrations/002_commands.sql. */
export class PaymentStore {
  readonly #database: Queryable;

  constructor(database: Queryable) {
    this.#database = database;
  }

  async balance(userId: string): Promise<{ balance: number }> {
    const [row] = await this.#database.query<{ balance: number }>(
      'select balance from wallet where user_id = $1',
      [userId],
      'balance',
    );
    return { balance: row?.balance ?? 0 };
  }

  /** Newest first; `before` is the position of the last entry already seen. */
  async entries(userId: string, limit: number, before: number | null): Promise<Page<PointEntry, number>> {
    const rows = await this.#database.query<PointEntry & { position: number }>(
      `select id as "entryId", type, amount, balance_after as "balanceAfter", rfc3339(at) as at,
              reservation_id as "reservationId", position
       from entry where user_id = $1 and ($3::bigint is null or position < $3)
       order by position desc limit $2`,
      [userId, limit + 1, before],
      'entries',
    );
    const items = rows.slice(0, limit).map(({ position: _, reservationId, ...entry }) => ({
      ...entry,
      ...(reservationId !== null && reservationId !== undefined && { reservationId }),
    }));
    const last = rows.length > limit ? rows[limit - 1] : undefined;
    return { items, next: last?.position ?? null };
  }
}
