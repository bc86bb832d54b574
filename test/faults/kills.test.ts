import { until } from '@tutti/kit/testing';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { Crowd, seeded, type Answered } from '../support/crowd.ts';
import { field } from '../support/client.ts';
import { Started } from '../support/started.ts';

const kills = 20;
const fansCount = 12;

test(`${kills} SIGKILLs of everything under load: what was answered is still true, and everything begun has ended`, { timeout: 300_000 }, async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const random = seeded(seed);
  const dataDir = await mkdtemp(path.join(tmpdir(), 'tutti-kills-'));
  await chmod(dataDir, 0o755);
  const system = await Started.in(dataDir, { HOLD_SECONDS: '20' });
  try {
    await system.start();
    const seats = await system.query<{ id: string }>('concert', `select id from seat order by id limit 60`);
    const crowd = new Crowd({ performanceId: 'rehearsal-1', seatIds: seats.map(({ id }) => id), random });
    crowd.send(await system.fans(fansCount));
    for (let kill = 0; kill < kills; kill++) {
      const before = crowd.answered.length;
      await until('the crowd gets answers', () => crowd.answered.length > before + fansCount, 60_000);
      await new Promise((moment) => setTimeout(moment, random() * 300));
      await system.killEverything();
      await system.start();
    }
    await crowd.stop();
    expect(crowd.strange, `seed ${seed}`).toEqual([]);
    await until('no saga is open', async () => (await openSagas(system)) === 0, 30_000);
    await expectAllTrue(system, crowd.answered, seed);
    expect(await system.stop()).toBe(0);
  } finally {
    await system.killEverything();
    await rm(dataDir, { recursive: true, force: true });
  }
});

async function openSagas(system: Started): Promise<number> {
  const [row] = await system.query<{ open: number }>(
    'orchestrator',
    `select count(*) as open from saga where status in ('running', 'compensating')`,
  );
  return row?.open ?? -1;
}

/** Every answer that was given: its effect is there, and the same key brings the same bytes. */
async function expectAllTrue(system: Started, answered: readonly Answered[], seed: number): Promise<void> {
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
  expect(broken.map(({ kind, reply }) => `${kind} ${reply.text}`), `seed ${seed}`).toEqual([]);
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
  const paidSeats = await system.query<{ id: string }>('concert', `select id from reservation where status = 'paid'`);
  const paid = await ids('select reservation_id as id from payment where returned_at is null', 'payment');
  expect(new Set(paidSeats.map(({ id }) => id)), `seed ${seed}`).toEqual(paid);
}
