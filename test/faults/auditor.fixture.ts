import { createHash, randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { audit, type AuditOptions } from '../../standalone/src/audit/audit.ts';
import { HistoryReader, type History, type HistoryLine } from '../../standalone/src/audit/history.ts';
import { sayResult } from '../../standalone/src/audit/report.ts';
import { text, type Fan, type Reply } from '../support/client.ts';
import type { House } from '../support/house.ts';

// An auditor that never found anything proves nothing. Its tests break the system on purpose, one bug at a time, in its code
// or in its rows, and the auditor has to name exactly the invariants that the bug breaks.

/** What clients remember of their requests. */
export class Memory {
  readonly #reader = new HistoryReader();

  get history(): History {
    return this.#reader.history;
  }

  note(line: Partial<HistoryLine> & { status: number }): void {
    this.#reader.add({ fan: randomUUID(), method: 'GET', path: '/', startedAt: 0, endedAt: 0, ...line });
  }

  async post(fan: Fan, route: string, body?: object, key: string = randomUUID()): Promise<Reply> {
    const startedAt = Date.now();
    const reply = await fan.post(`/api/v1${route}`, body, key);
    const bodySha = createHash('sha256')
      .update(JSON.stringify(body ?? null))
      .digest('hex');
    const retryAfter = reply.headers.get('retry-after') ?? undefined;
    const { status, text: answer } = reply;
    const request = { fan: fan.userId, method: 'POST', path: `/api/v1${route}`, key, bodySha, startedAt };
    this.#reader.add({ ...request, status, body: answer, retryAfter, endedAt: Date.now() });
    return reply;
  }

  async reserve(fan: Fan, performanceId: string, seatIds: string[], key?: string): Promise<string> {
    const reply = await this.post(fan, '/reservations', { performanceId, seatIds }, key);
    return reply.status === 201 ? text(reply.body, 'reservationId') : '';
  }

  pay = (fan: Fan, reservationId: string, key?: string) =>
    this.post(fan, `/reservations/${reservationId}/payment`, undefined, key);

  cancel = (fan: Fan, reservationId: string, key?: string) =>
    this.post(fan, `/reservations/${reservationId}/cancellation`, undefined, key);

  charge = (fan: Fan, amount: number, key?: string) => this.post(fan, '/points/charges', { amount }, key);
}

/** A bit of everything: holds, payments, refusals, cancellations of both kinds, repetitions. */
export async function business(house: House, memory: Memory): Promise<{ show: string; fan: Fan }> {
  const show = await house.performance(12, 500);
  const [fan, other] = [await house.fan(), await house.fan()];
  await memory.charge(fan, 10_000, 'charge');
  await memory.charge(fan, 10_000, 'charge');
  await memory.charge(fan, 9_999, 'charge');
  await memory.charge(other, 600);
  const paid = await memory.reserve(fan, show, ['S-2', 'S-1'], 'paid');
  await memory.reserve(fan, show, ['S-2', 'S-1'], 'paid');
  await memory.pay(fan, paid, 'paid');
  await memory.pay(fan, paid, 'paid');
  await memory.pay(fan, paid);
  const withdrawn = await memory.reserve(fan, show, ['S-3']);
  await memory.pay(fan, withdrawn);
  await memory.cancel(fan, withdrawn);
  await memory.cancel(fan, withdrawn);
  await memory.cancel(fan, await memory.reserve(fan, show, ['S-4']));
  // Twice as dear as what the other fan has; the seats stay reserved.
  const tooDear = await memory.reserve(other, show, ['S-5', 'S-6']);
  expect((await memory.pay(other, tooDear)).status).toBe(402);
  expect((await memory.post(other, '/reservations', { performanceId: show, seatIds: ['S-1'] })).status).toBe(
    409,
  );
  expect((await memory.post(other, '/reservations', { performanceId: show, seatIds: [] })).status).toBe(400);
  return { show, fan };
}

export type Extra = Omit<Partial<AuditOptions>, 'databases'>;

/** The auditor finds these invariants broken and no others; returns what it says of them. */
export async function expectRed(house: House, numbers: number[], extra: Extra = {}): Promise<string> {
  const report = await audit({ databases: house.databases, usesStub: true, waitSeconds: 20, ...extra });
  const broken = report.results.filter(({ status }) => status === 'broken');
  const said = broken.map(sayResult).join('');
  expect([...new Set(broken.map(({ number }) => number))], said).toEqual(numbers);
  return said;
}
