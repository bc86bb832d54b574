import { Database } from '@tutti/kit/postgres';
import { until } from '@tutti/kit/testing';
import { audit } from '@tutti/standalone/audit';
import type { History } from '@tutti/standalone/audit/history';
import type { DatabaseName } from '@tutti/standalone/system';
import path from 'node:path';
import { field } from './client.ts';
import type { Crowd } from './crowd.ts';
import type { Installation } from './installation.ts';

export async function openSagas(system: Installation): Promise<number> {
  const [row] = await system.query<{ open: number }>(
    'orchestrator',
    `select count(*) as open from saga where status in ('running', 'compensating')`,
  );
  return row?.open ?? -1;
}

/** Everything that was begun has ended, and what the promoter's system was to be told has reached it. */
export async function drained(system: Installation, withinMs = 30_000): Promise<void> {
  await until('no saga is open', async () => (await openSagas(system)) === 0, withinMs);
  // The claim of a deliverer that died ends by itself, after a while that no test waits for.
  await system.query('partner', 'update delivery set next_attempt_at = now() where delivered_at is null');
  const untold = () => system.query('partner', 'select id from delivery where delivered_at is null');
  await until('everything was delivered', async () => (await untold()).length === 0, withinMs);
}

const repeatedMost = 200;

/** What was told and is not so, and what the audit finds broken, as sentences. */
export async function findLies(
  system: Installation,
  { answered, history }: Pick<Crowd, 'answered' | 'history'>,
): Promise<string[]> {
  const lies = [...(await withoutEffect(system, answered))];
  for (const { reply, repeat, kind } of answered.slice(-repeatedMost)) {
    const again = await repeat();
    if (again.status === reply.status && again.text === reply.text) continue;
    lies.push(`${kind} was answered ${reply.status} ${reply.text} and then ${again.status} ${again.text}`);
  }
  return [...lies, ...(await findBroken(system, history))];
}

async function withoutEffect(system: Installation, answered: Crowd['answered']): Promise<string[]> {
  const ids = (sql: string, database: 'concert' | 'payment') =>
    system.query<{ id: string }>(database, sql).then((rows) => new Set(rows.map(({ id }) => id)));
  const reservations = await ids('select id from reservation', 'concert');
  const cancelled = await ids(`select id from reservation where status = 'cancelled'`, 'concert');
  const payments = await ids('select id from payment', 'payment');
  const entries = await ids('select id from entry', 'payment');
  const without = answered.filter(({ kind, reply, reservationId = '' }) => {
    if (reply.status >= 300) return false;
    if (kind === 'reserve') return !reservations.has(String(field(reply.body, 'reservationId')));
    if (kind === 'pay') return !payments.has(String(field(reply.body, 'paymentId')));
    if (kind === 'charge') return !entries.has(String(field(reply.body, 'entryId')));
    return !cancelled.has(reservationId);
  });
  return without.map(({ kind, reply }) => `told and not there: ${kind} ${reply.text}`);
}

/** Invariants that do not hold, as sentences. */
export async function findBroken(system: Installation, history: History | undefined): Promise<string[]> {
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
    // What was skipped needs a client's history; everything that the databases can tell was looked at.
    const isWhole = results.filter(({ status }) => status === 'ok').length + broken.length >= 10;
    return [
      ...broken.map(({ number, title, violations }) => `${number} ${title}: ${JSON.stringify(violations)}`),
      ...(isWhole ? [] : ['the audit looked at less than ten invariants']),
    ];
  } finally {
    await Promise.all(Object.values(databases).map((database) => database.close()));
  }
}
