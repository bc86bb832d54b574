import { Database, type Connection } from '@tutti/kit/postgres';
import { readFile } from 'node:fs/promises';

const tablesOf = {
  user: '../../../services/user/migrations/001_user.sql',
  concert: '../../../services/concert/migrations/001_concert.sql',
  payment: '../../../services/payment/migrations/001_payment.sql',
} as const;

// The product's table, without the functions that obey its bus.
const deliveryTable = `
  create table delivery (
    id uuid primary key, reservation_id uuid not null, version int not null, body text not null,
    created_at timestamptz not null default now(), attempts int not null default 0,
    next_attempt_at timestamptz not null default now(), last_error text, delivered_at timestamptz,
    set_aside_at timestamptz) with (fillfactor = 80);
  create unique index delivery_of_version on delivery (reservation_id, version);
  create index delivery_due on delivery (next_attempt_at) where delivered_at is null and set_aside_at is null;`;

/** Makes the product's own tables in a peer's database: those of one service, or of several. */
export async function makeTables(
  connection: Connection,
  which: readonly (keyof typeof tablesOf | 'delivery')[],
  more = '',
): Promise<void> {
  const database = new Database(connection, { connectionsMax: 1 });
  try {
    for (const one of which) {
      const sql =
        one === 'delivery' ? deliveryTable : await readFile(new URL(tablesOf[one], import.meta.url), 'utf8');
      // Two services have a function of the same name and text.
      await database.query(sql.replaceAll('create function rfc3339', 'create or replace function rfc3339'));
    }
    if (more !== '') await database.query(more);
  } finally {
    await database.close();
  }
}
