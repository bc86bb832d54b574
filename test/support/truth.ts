import { Database } from '@tutti/kit/postgres';
import { until } from '@tutti/kit/testing';
import { audit } from '@tutti/standalone/audit';
import type { History } from '@tutti/standalone/audit/history';
import type { DatabaseName } from '@tutti/standalone/system';
import path from 'node:path';
import { expect } from 'vitest';
import { field } from './client.ts';
import type { Crowd } from './crowd.ts';
import { processesOn } from './processes.ts';
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
  { answered, history }: Pick<Crowd, 'answered' | 'history'>,
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
  await expectAuditGreen(system, history);
}

/** Every invariant holds, over the databases, the log and what clients saw. */
export async function expectAuditGreen(system: Started, history?: History): Promise<void> {
  const open = (name: DatabaseName) => new Database(system.connection(name), { connectionsMax: 2 });
  const databases = {
    orchestrator: open('orchestrator'),
    user: open('user'),
    concert: open('concert'),
    payment: open('payment'),
    partner: open('partner'),
    waiting_room: open('waiting_room'),
  };
  try {
    const logFiles = [path.join(system.dataDir, 'tutti.log')];
    const { results } = await audit({ databases, logFiles, history, waitSeconds: 30, usesStub: true });
    const broken = results.filter(({ status }) => status === 'broken');
    expect(broken.map(({ number, title, violations }) => ({ number, title, violations }))).toEqual([]);
    // What was skipped needs a client's history; everything that the databases can tell was looked at.
    expect(results.filter(({ status }) => status === 'ok').length).toBeGreaterThanOrEqual(10);
  } finally {
    await Promise.all(Object.values(databases).map((database) => database.close()));
  }
}

/** No process of it lives on. */
export const expectNothingLeft = (system: Started, withinMs = 20_000): Promise<void> =>
  until('nothing is left behind', () => processesOn(system.dataDir).length === 0, withinMs).catch(
    (error: unknown) => {
      throw new Error(JSON.stringify(processesOn(system.dataDir)), { cause: error });
    },
  );
