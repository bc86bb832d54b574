import type { Outcome, Saga } from '@tutti/kit/saga';
import { sagas } from '../../services/orchestrator/src/main.ts';
import { shortId } from './chance.ts';
import type { Book, Told } from './fans.ts';
import type { ReservationRow } from './tables/hall.ts';
import type { SagaTableRow } from './tables/saga-table.ts';
import type { Tables } from './tables/tables.ts';
import type { World } from './world.ts';

const isLive = ({ status }: ReservationRow): boolean =>
  status === 'reserved' || status === 'paying' || status === 'paid';
const isOk = (outcome: Outcome | undefined): boolean => outcome !== undefined && 'ok' in outcome;
const expiryLagMs = 15_000;

/** Invariants 1 and 2, in any snapshot. */
export function doubleClaims({ hall }: Tables): string[] {
  const wrong: string[] = [];
  const claims = new Map<string, string>();
  for (const one of hall.reservations.values()) {
    if (!isLive(one)) continue;
    for (const seatId of one.seatIds) {
      const key = `${one.performanceId}/${seatId}`;
      if (claims.has(key)) wrong.push(`${key} belongs to two live reservations`);
      claims.set(key, one.id);
      const seat = hall.seats.get(key);
      const shown = one.status === 'paid' ? 'paid' : 'reserved';
      if (seat?.reservationId !== one.id || seat.status !== shown)
        wrong.push(`${key} of ${shortId(one.id)} (${one.status}) is ${seat?.status ?? 'not there'}`);
    }
  }
  for (const [key, { status }] of hall.seats)
    if ((status === 'available') === claims.has(key)) wrong.push(`${key} is ${status} and claimed wrongly`);
  return wrong;
}

/** What must hold once everything has drained, as sentences about what does not. */
export function wrongAtTheEnd(world: World, book: Book, now: number): string[] {
  const { tables } = world;
  return [
    ...doubleClaims(tables),
    ...wrongHolds(tables, now),
    ...wrongPayments(tables),
    ...wrongPoints(tables),
    ...[...tables.sagas.rows.values()].flatMap((row) => wrongSaga(tables, row)),
    ...wrongAnswers(tables, book),
    ...wrongDeliveries(world),
  ];
}

/** 3: nothing is left behind, nothing long overdue. */
function wrongHolds({ hall }: Tables, now: number): string[] {
  return [...hall.reservations.values()].flatMap(({ id, status, expiresAt }) => {
    if (status === 'paying') return [`${shortId(id)} is still being paid for`];
    const isLate = status === 'reserved' && expiresAt + expiryLagMs < now;
    return isLate ? [`the hold ${shortId(id)} should have ended`] : [];
  });
}

/** 4 */
function wrongPayments({ hall, bank }: Tables): string[] {
  const wrong: string[] = [];
  for (const { id, status, userId, amount } of hall.reservations.values()) {
    const payments = bank.payments.filter((one) => one.reservationId === id && one.returnedAt === null);
    if (payments.length !== (status === 'paid' ? 1 : 0))
      wrong.push(`${shortId(id)} is ${status} and has ${payments.length} payments that were not returned`);
    if (payments.some((one) => one.userId !== userId || one.amount !== amount))
      wrong.push(`${shortId(id)} was paid by another, or with another amount`);
  }
  for (const { id, reservationId } of bank.payments)
    if (!hall.reservations.has(reservationId)) wrong.push(`the payment ${shortId(id)} is for nothing`);
  return wrong;
}

/** 5 and 6 */
function wrongPoints({ bank }: Tables): string[] {
  const wrong: string[] = [];
  for (const [userId, balance] of bank.wallets) {
    const entries = bank.entries.filter((entry) => entry.userId === userId);
    const sum = entries.reduce((points, { amount }) => points + amount, 0);
    if (sum !== balance || balance < 0)
      wrong.push(`the wallet of ${shortId(userId)} has ${balance}, its ledger says ${sum}`);
    if (entries.some(({ balanceAfter, position }, at) => balanceAfter < 0 || position !== at + 1))
      wrong.push(`the ledger of ${shortId(userId)} does not add up`);
  }
  const paid = bank.payments
    .filter(({ returnedAt }) => returnedAt === null)
    .reduce((points, { amount }) => points + amount, 0);
  const spent = bank.entries
    .filter(({ type }) => type !== 'charge')
    .reduce((points, { amount }) => points - amount, 0);
  if (paid !== spent) wrong.push(`${spent} points were spent and ${paid} paid`);
  return wrong;
}

// ── 7, 8 and 9 ──────────────────────────────────────────────────────────────────────────────────────────────────────

type Journaled = { readonly done: Outcome | undefined; readonly undone: Outcome | undefined };

/** All steps done, or all undone, as the row says. */
function wrongSaga(tables: Tables, row: SagaTableRow): string[] {
  const about = `${shortId(row.id)} (${row.name}, ${row.status})`;
  if (tables.sagas.isOpen(row)) return [`${about} has not ended`];
  const saga = definitionOf(row.name);
  return saga.steps
    .filter(({ kind }) => kind === 'effect')
    .flatMap(({ name, command, role, undo }) => {
      const { done, undone } = journaled(tables, row.id, name, command);
      if (row.status === 'succeeded') {
        const isDone = isOk(done) && undone === undefined;
        return isDone ? [] : [`${about}: ${name} is not done, or undone`];
      }
      if (role === 'before' && undo) {
        const isUndone = isOk(undone) || !isOk(done);
        return isUndone ? [] : [`${about}: ${name} is not undone`];
      }
      return isOk(done) ? [`${about}: ${name} is done`] : [];
    });
}

const definitionOf = (name: string): Saga => {
  const saga = sagas.find((one) => one.name === name);
  if (!saga) throw new Error(`There is no saga ${name}.`);
  return saga;
};

function journaled(tables: Tables, id: string, step: string, command: string): Journaled {
  const journal = Object.entries(tables.journals).find(([service]) => command.startsWith(`${service}.`))?.[1];
  return { done: journal?.of(id, step, 'do'), undone: journal?.of(id, step, 'undo') };
}

/** 13: what was answered must be there at that moment. */
export function wrongWhenTold(tables: Tables, { operation, status }: Told): string[] {
  const row = tables.sagas.rows.get(operation);
  if (!row) return [`an answer (${status}) came from ${shortId(operation)}, which has no row`];
  const isDone = definitionOf(row.name)
    .steps.filter(({ kind }) => kind === 'effect')
    .every(({ name, command }) => isOk(journaled(tables, row.id, name, command).done));
  return status < 300 && !isDone ? [`${shortId(operation)} was answered ${status} before it was done`] : [];
}

function wrongAnswers({ sagas: table }: Tables, { wishes, told, reused }: Book): string[] {
  const wrong: string[] = [];
  const byKey = new Map(
    [...table.rows.values()].map((row) => [`${row.fan} ${row.route} ${row.key}`, row] as const),
  );
  for (const { wish, operation, status, body } of told) {
    const row = byKey.get(`${wish.fan} ${wish.route} ${wish.key}`);
    if (row?.id !== operation || row.answer !== body || row.answerStatus !== status)
      wrong.push(`a fan was told ${status} ${body} by ${shortId(operation)}; its row says ${row?.answer}`);
    if (row && row.fingerprint !== wish.fingerprint)
      wrong.push(`${shortId(operation)} answered another request under its key`);
  }
  for (const wish of reused)
    if (byKey.get(`${wish.fan} ${wish.route} ${wish.key}`)?.fingerprint === wish.fingerprint)
      wrong.push(`${wish.saga} under ${shortId(wish.key)} was told that its key is another's`);
  for (const { saga, fan, route, key } of wishes)
    if (!byKey.has(`${fan} ${route} ${key}`)) wrong.push(`${saga} under ${shortId(key)} has no row`);
  return wrong;
}

/** 10 */
function wrongDeliveries({ tables: { hall, desk, sagas: table }, receipts }: World): string[] {
  const wrong: string[] = [];
  const deliveries = [...desk.deliveries.values()];
  const toldOf = (id: string, type: string, version: number) =>
    deliveries.filter(
      (one) => one.reservationId === id && one.type === type && (version === 0 || one.version === version),
    ).length;
  for (const { id, status, version } of hall.reservations.values())
    if (status === 'paid' || status === 'cancelled')
      if (toldOf(id, `reservation.${status}`, version) !== 1)
        wrong.push(`the partner is not to be told once that ${shortId(id)} is ${status}`);
  for (const row of table.rows.values()) {
    const paid = row.name === 'pay-reservation' && row.status === 'succeeded';
    const id = 'reservationId' in row.input ? String(row.input.reservationId) : '';
    if (paid && toldOf(id, 'reservation.paid', 0) !== 1)
      wrong.push(`the partner is not to be told once that ${shortId(id)} was paid`);
  }
  for (const { id, deliveredAt, body } of deliveries)
    if (deliveredAt === null || receipts.get(id)?.body !== body)
      wrong.push(`the partner did not get ${shortId(id)}`);
  return wrong;
}
