import { until } from '@tutti/kit/testing';
import { expect } from 'vitest';
import { field } from './client.ts';
import type { Answered } from './crowd.ts';
import type { Started } from './started.ts';

export async function openSagas(system: Started): Promise<number> {
  const [row] = await system.query<{ open: number }>(
    'orchestrator',
    `select count(*) as open from saga where status in ('running', 'compensating')`,
  );
  return row?.open ?? -1;
}

/** Everything that was begun has ended, and what the promoter's system was to be told has reached it. */
export async function expectDrained(system: Started): Promise<void> {
  await until('no saga is open', async () => (await openSagas(system)) === 0, 30_000);
  // The claim of a deliverer that died ends by itself, after a minute that no test waits for.
  await system.query('partner', 'update delivery set next_attempt_at = now() where delivered_at is null');
  const untold = () => system.query('partner', 'select id from delivery where delivered_at is null');
  await until('everything was delivered', async () => (await untold()).length === 0, 30_000);
}

/** Every answer that was given: its effect is there, and the same key brings the same bytes. */
export async function expectAllTrue(
  system: Started,
  answered: readonly Answered[],
  seed: number,
): Promise<void> {
  const ids = (sql: string, database: 'concert' | 'payment') =>
    system.query<{ id: string }>(database, sql).then((rows) => new Set(rows.map(({ id }) => id)));
  const reservations = await ids('select id from reservation', 'concert');
  const cancelled = await ids(`select id from reservation where status = 'cancelled'`, 'concert');
  const payments = await ids('select id from payment', 'payment');
  const entries = await ids('select id from entry', 'payment');
  const broken = answered.filter(({ kind, reply, reservationId = '' }) => {
    if (reply.status >= 300) return false;
    if (kind === 'reserve') return !reservations.has(String(field(reply.body, 'reservationId')));
    if (kind === 'pay') return !payments.has(String(field(reply.body, 'paymentId')));
    if (kind === 'charge') return !entries.has(String(field(reply.body, 'entryId')));
    return !cancelled.has(reservationId);
  });
  expect(
    broken.map(({ kind, reply }) => `${kind} ${reply.text}`),
    `seed ${seed}`,
  ).toEqual([]);
  for (const { reply, repeat, kind } of answered.slice(-200)) {
    const again = await repeat();
    expect({ kind, status: again.status, text: again.text }, `seed ${seed}`).toEqual({
      kind,
      status: reply.status,
      text: reply.text,
    });
  }
  const [money] = await system.query<{ wrong: number }>(
    'payment',
    `select count(*) as wrong from wallet w
     where balance <> (select coalesce(sum(amount), 0) from entry e where e.user_id = w.user_id)`,
  );
  expect(money?.wrong).toBe(0);
  const [seats] = await system.query<{ wrong: number }>(
    'concert',
    `select count(*) as wrong from seat s left join reservation r on r.id = s.reservation_id
     where (s.status = 'paid') <> coalesce(r.status = 'paid', false)
        or (s.status = 'reserved') <> coalesce(r.status in ('reserved', 'paying'), false)`,
  );
  expect(seats?.wrong).toBe(0);
  const paidSeats = await system.query<{ id: string }>(
    'concert',
    `select id from reservation where status = 'paid'`,
  );
  const paid = await ids('select reservation_id as id from payment where returned_at is null', 'payment');
  expect(new Set(paidSeats.map(({ id }) => id)), `seed ${seed}`).toEqual(paid);
}
