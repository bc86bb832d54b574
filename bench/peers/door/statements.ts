// The statements of the two flows, one row at a time, as services or a monolith would write them by hand. Every peer runs
// these; they differ in what is around them. Each step may be run again under the same id and then finds its work done, which
// costs no statement more when it is run once.

import type { RefusalCode, Seat } from '@tutti/contracts';

/** Anything that runs a statement. `name` prepares it once per connection where the client can do that. */
export type Run = <R extends Record<string, unknown>>(
  text: string,
  values: unknown[],
  name: string,
) => Promise<R[]>;

export type Outcome<T> =
  | { readonly ok: T }
  | { readonly refused: { readonly code: RefusalCode; readonly data: object } };

export const refused = (code: RefusalCode, data: object = {}) => ({ refused: { code, data } });

const seatLimit = 6;

// ── user ────────────────────────────────────────────────────────────────────────────────────────────────────────────

export async function findUser(run: Run, userId: string): Promise<Outcome<null>> {
  const rows = await run('select 1 from account where id = $1 and deleted_at is null', [userId], 'find_user');
  return rows.length === 1 ? { ok: null } : refused('user_not_found');
}

// ── concert ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The limit per fan counts rows that may not exist yet, so a name is locked. Begins a transaction of its own or of others. */
export const lockFan = (run: Run, userId: string, performanceId: string): Promise<unknown> =>
  run('select pg_advisory_xact_lock(hashtextextended($1 || $2, 0))', [userId, performanceId], 'lock_fan');

export type Wish = {
  id: string;
  userId: string;
  performanceId: string;
  seatIds: string[];
  holdSeconds: number;
};
export type Held = {
  reservationId: string;
  status: 'reserved';
  performanceId: string;
  seats: Seat[];
  amount: number;
  expiresAt: string;
};

/** In a transaction that holds the fan's lock. */
export async function reserveSeats(run: Run, wish: Wish): Promise<Outcome<Held>> {
  const { id, userId, performanceId, seatIds, holdSeconds } = wish;
  const [sale] = await run<{ open: boolean; opened: boolean; opensAt: string; held: number }>(
    `select c.sale_state = 'open' as open, c.on_sale_at <= now() as opened, rfc3339(c.on_sale_at) as "opensAt",
            (select coalesce(sum(cardinality(r.seat_ids)), 0)::int from reservation r
             where r.user_id = $2 and r.performance_id = $1 and r.status in ('reserved', 'paying', 'paid') and r.id <> $3) as held
     from performance p join concert c on c.id = p.concert_id where p.id = $1`,
    [performanceId, userId, id],
    'look_at_sale',
  );
  if (!sale) return refused('performance_not_found');
  if (!sale.open) return refused('sale_closed');
  if (!sale.opened) return refused('sale_not_open', { opensAt: sale.opensAt });
  if (sale.held + seatIds.length > seatLimit)
    return refused('seat_limit_exceeded', { limit: seatLimit, held: sale.held });
  const rows = await run<Seat & { taker: string | null }>(
    `select id as "seatId", label, price, reservation_id as taker from seat
     where performance_id = $1 and id = any($2::text[]) order by id for update`,
    [performanceId, seatIds],
    'lock_seats',
  );
  const unknown = seatIds.filter((seatId) => !rows.some((row) => row.seatId === seatId));
  if (unknown.length > 0) return refused('seat_not_found', { seatIds: unknown });
  const taken = rows.filter(({ taker }) => taker !== null && taker !== id).map(({ seatId }) => seatId);
  if (taken.length > 0) return refused('seat_unavailable', { seatIds: taken });
  const seats = rows.map(({ seatId, label, price }) => ({ seatId, label, price }));
  const amount = seats.reduce((sum, { price }) => sum + price, 0);
  const [made] = await run<{ expiresAt: string }>(
    `insert into reservation (id, performance_id, user_id, status, seat_ids, seats, amount, expires_at)
     values ($1, $2, $3, 'reserved', $4::text[], $5::json, $6, now() + $7 * interval '1 second')
     on conflict (id) do update set version = reservation.version
     returning rfc3339(expires_at) as "expiresAt"`,
    [id, performanceId, userId, seatIds, JSON.stringify(seats), amount, holdSeconds],
    'insert_reservation',
  );
  await run(
    `update seat set status = 'reserved', reservation_id = $3 where performance_id = $1 and id = any($2::text[])`,
    [performanceId, seatIds, id],
    'take_seats',
  );
  return {
    ok: {
      reservationId: id,
      status: 'reserved',
      performanceId,
      seats,
      amount,
      expiresAt: made?.expiresAt ?? '',
    },
  };
}

export type ToPay = {
  amount: number;
  performanceId: string;
  seats: Seat[];
  seatIds: string[];
  version: number;
};

/** Locks the reservation and says whether this payment may go on. */
export async function lookAtReservation(
  run: Run,
  id: string,
  payment: string,
  userId: string,
): Promise<Outcome<ToPay>> {
  const [row] = await run<ToPay & { userId: string; status: string; due: boolean; payer: string | null }>(
    `select user_id as "userId", status, amount, performance_id as "performanceId", seats, seat_ids as "seatIds", version,
            expires_at <= now() as due, paying_saga as payer
     from reservation where id = $1 for update`,
    [id],
    'look_at_reservation',
  );
  if (!row || row.userId !== userId) return refused('reservation_not_found');
  const { amount, performanceId, seats, seatIds, version } = row;
  if (row.status === 'paid') return refused('already_paid');
  if (row.status === 'cancelled') return refused('reservation_cancelled');
  if (row.status === 'paying' && row.payer !== payment) return refused('payment_in_progress');
  if (row.status === 'expired' || row.due) return refused('reservation_expired');
  return { ok: { amount, performanceId, seats, seatIds, version } };
}

/** reserved → paying, by this payment; the version it leaves behind is in the answer. */
export async function markPaid(
  run: Run,
  id: string,
  payment: string,
  userId: string,
): Promise<Outcome<ToPay>> {
  const looked = await lookAtReservation(run, id, payment, userId);
  if (!('ok' in looked)) return looked;
  const [row] = await run<{ version: number }>(
    `update reservation set status = 'paying', paying_saga = $2,
            version = version + case when paying_saga is null then 1 else 0 end
     where id = $1 returning version`,
    [id, payment],
    'mark_paid',
  );
  return { ok: { ...looked.ok, version: row?.version ?? looked.ok.version } };
}

/** The compensation: paying → reserved, only what this payment marked. */
export async function markReserved(run: Run, id: string, payment: string): Promise<void> {
  await run(
    `update reservation set status = 'reserved', paying_saga = null, version = version + 1,
            expires_at = case when extended then expires_at else greatest(expires_at, now() + interval '60 seconds') end,
            extended = extended or expires_at < now() + interval '60 seconds'
     where id = $1 and status = 'paying' and paying_saga = $2`,
    [id, payment],
    'mark_reserved',
  );
}

/** Reserved or paying → paid, its seats with it. */
export async function confirmPaid(run: Run, id: string, { performanceId, seatIds }: ToPay): Promise<void> {
  await run(
    `update reservation set status = 'paid', paying_saga = null, version = version + 1
     where id = $1 and status in ('reserved', 'paying')`,
    [id],
    'confirm_reservation',
  );
  await run(
    `update seat set status = 'paid' where performance_id = $1 and id = any($2::text[]) and reservation_id = $3`,
    [performanceId, seatIds, id],
    'confirm_seats',
  );
}

// ── payment ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** In a transaction; `payment` is the id of what it makes. */
export async function deductPoints(
  run: Run,
  order: { payment: string; userId: string; amount: number; reservationId: string },
): Promise<Outcome<{ balance: number }>> {
  const { payment, userId, amount, reservationId } = order;
  const [wallet] = await run<{ balance: number }>(
    `update wallet set balance = balance - $2::bigint
     where user_id = $1 and balance >= $2 and not exists (select 1 from payment where id = $3)
     returning balance::int`,
    [userId, amount, payment],
    'deduct_points',
  );
  if (!wallet) {
    const [now] = await run<{ balance: number; done: number | null }>(
      `select w.balance::int, (select e.balance_after::int from entry e where e.id = $2) as done
       from wallet w where w.user_id = $1`,
      [userId, payment],
      'look_at_wallet',
    );
    if (now && now.done !== null) return { ok: { balance: now.done } };
    return refused('insufficient_points', { balance: now?.balance ?? 0, amount });
  }
  await run(
    `insert into entry (id, user_id, type, amount, balance_after, position, reservation_id, at)
     select $1, $2, 'payment', -$3::bigint, $4,
            coalesce((select e.position from entry e where e.user_id = $2 order by e.position desc limit 1), 0) + 1, $5, now()`,
    [payment, userId, amount, wallet.balance, reservationId],
    'insert_entry',
  );
  await run(
    'insert into payment (id, reservation_id, user_id, amount, at) values ($1, $2, $3, $4, now())',
    [payment, reservationId, userId, amount],
    'insert_payment',
  );
  return { ok: { balance: wallet.balance } };
}

// ── partner ─────────────────────────────────────────────────────────────────────────────────────────────────────────

export type Delivery = { id: string; reservationId: string; version: number; body: string };

/** What the promoter's system is told, as ours tells it. */
export function deliveryOf(payment: string, reservationId: string, toPay: ToPay, version: number): Delivery {
  const { performanceId, seats, amount } = toPay;
  const event = {
    type: 'reservation.paid',
    reservationId,
    version,
    performanceId,
    seats,
    amount,
    at: new Date().toISOString(),
  };
  return { id: payment, reservationId, version, body: JSON.stringify(event) };
}

export async function insertDelivery(
  run: Run,
  { id, reservationId, version, body }: Delivery,
): Promise<void> {
  await run(
    'insert into delivery (id, reservation_id, version, body) values ($1, $2, $3, $4) on conflict (id) do nothing',
    [id, reservationId, version, body],
    'insert_delivery',
  );
}
