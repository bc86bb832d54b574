import { Database } from '@tutti/kit/postgres';
import { Connection } from './connection.ts';
import { seatId, seatPrice, type Crowd } from './crowd.ts';
import type { Partner } from './partner.ts';
import { stages, type SeatCounts } from './seed.ts';
import type { RunningSystem } from './system.ts';
import type { Told } from './told.ts';
import { until } from './waiting.ts';

export type Checked = { readonly facts: number; readonly violations: readonly string[] };

/** Sentences about what is wrong; many of one kind are one sentence with the first of them. */
class Violations {
  readonly #byKind = new Map<string, { count: number; example: string }>();

  expect(holds: boolean, kind: string, example: string): void {
    if (holds) return;
    const known = this.#byKind.get(kind);
    if (known) known.count++;
    else this.#byKind.set(kind, { count: 1, example });
  }

  get sentences(): string[] {
    return [...this.#byKind].map(([kind, { count, example }]) => `${kind} (${count}): ${example}`);
  }
}

/**
 * Compares what fans were told with what is there: no seat twice, points conserved, refused payments undone, nothing that
 * nobody was told of, everything paid known to the partner, a repeated key answered alike.
 */
export async function check(parts: {
  system: RunningSystem;
  told: Told;
  crowd: Crowd;
  seats: SeatCounts;
  partner: Partner;
}): Promise<Checked> {
  const { system, told, crowd, partner } = parts;
  const violations = new Violations();
  for (const sentence of told.strange)
    violations.expect(false, 'An answer was none of those expected', sentence);
  await repeat(system, told, violations);
  await until('every flow has ended', async () => (await system.unfinished()) === 0, 30_000, 100).catch(
    (error: unknown) => violations.expect(false, 'Flows are left open', String(error)),
  );
  const reservations = await checkSeats(system, told, crowd, violations);
  await checkPoints(system, told, crowd, violations);
  await checkPartner(partner, told, violations);
  return {
    facts: reservations + crowd.fans.length + told.paid.size + told.kept.length,
    violations: violations.sentences,
  };
}

/** The same key and body again: the same bytes, and (as the checks after it see) no second effect. */
async function repeat({ port }: RunningSystem, { kept }: Told, violations: Violations): Promise<void> {
  const connection = new Connection('127.0.0.1', port);
  for (const { request, answer } of kept) {
    const again = await connection.post(request.path, request.headers, request.body);
    const said = `${again.status} ${again.body}`;
    const before = `${answer.status} ${answer.body}`;
    violations.expect(
      said === before,
      'A repeated request was answered differently',
      `${before} and then ${said}`,
    );
  }
  connection.close();
}

async function rowsOf<R extends Record<string, unknown>>(
  system: RunningSystem,
  store: 'concert' | 'payment',
  sql: string,
): Promise<R[]> {
  const database = new Database(system.databases[store], { connectionsMax: 1, statementTimeoutMs: 120_000 });
  try {
    return await database.query<R>(sql);
  } finally {
    await database.close();
  }
}

const ofBench = Object.values(stages)
  .map((name) => `'${name}'`)
  .join();

type SeatRow = { place: string; status: string; of: string | null };
type ReservationRow = { id: string; place: string; fan: string; status: string };

/** Returns how many reservations there are. */
async function checkSeats(
  system: RunningSystem,
  told: Told,
  crowd: Crowd,
  violations: Violations,
): Promise<number> {
  const seats = await rowsOf<SeatRow>(
    system,
    'concert',
    `select performance_id || '/' || id as place, status, reservation_id as of from seat
     where status <> 'available' and performance_id in (${ofBench})`,
  );
  const rows = await rowsOf<ReservationRow>(
    system,
    'concert',
    `select id, performance_id || '/' || array_to_string(seat_ids, ',') as place, user_id as fan, status from reservation`,
  );
  const bySeat = new Map(seats.map((seat) => [seat.place, seat]));
  const holders = new Set<string>();
  for (const { id, place, fan, status } of rows) {
    const request = told.reserved.get(id);
    const row = `${id} for ${place} is ${status}`;
    violations.expect(request !== undefined, 'A reservation is there and nobody was told of it', row);
    if (!request) continue;
    const wanted = `${request.performance}/${seatId(request.seat)}`;
    const isTheirs = place === wanted && fan === crowd.fans[request.fan]?.id;
    violations.expect(isTheirs, 'A reservation is not what its fan was told', row);
    violations.expect(!holders.has(place), 'A seat is reserved twice', row);
    holders.add(place);
    const outcome = told.paid.has(id) ? 'paid' : 'reserved';
    violations.expect(status === outcome, `A reservation that was told ${outcome} is not`, row);
    const seat = bySeat.get(place);
    violations.expect(
      seat?.of === id && seat.status === outcome,
      'A seat does not say what its reservation says',
      row,
    );
  }
  violations.expect(
    rows.length === told.reserved.size,
    'Reservations that were told are not there',
    `${rows.length} of ${told.reserved.size}`,
  );
  violations.expect(
    seats.length === holders.size,
    'Seats are taken that nobody holds',
    `${seats.length} and ${holders.size}`,
  );
  return rows.length;
}

type WalletRow = { fan: string; balance: number; entries: number; payments: number };

async function checkPoints(
  system: RunningSystem,
  told: Told,
  crowd: Crowd,
  violations: Violations,
): Promise<void> {
  const wallets = await rowsOf<WalletRow>(
    system,
    'payment',
    `select w.user_id as fan, w.balance, coalesce(e.sum, 0)::bigint as entries, coalesce(p.count, 0)::bigint as payments
     from wallet w
     left join (select user_id, sum(amount) as sum from entry group by user_id) e on e.user_id = w.user_id
     left join (select user_id, count(*) as count from payment group by user_id) p on p.user_id = w.user_id`,
  );
  const payments = await rowsOf<{ of: string }>(
    system,
    'payment',
    'select reservation_id as of from payment',
  );
  const paidBy = new Map<string, number>();
  for (const id of told.paid) {
    const fan = crowd.fans[told.reserved.get(id)?.fan ?? -1]?.id ?? '';
    paidBy.set(fan, (paidBy.get(fan) ?? 0) + 1);
  }
  const pointsOf = new Map(crowd.fans.map(({ id, points }) => [id, points]));
  for (const { fan, balance, entries, payments: count } of wallets) {
    const points = pointsOf.get(fan);
    if (points === undefined) continue;
    const paid = paidBy.get(fan) ?? 0;
    const row = `${fan} had ${points}, was told of ${paid} payments, has ${balance}, entries ${entries}, payments ${count}`;
    violations.expect(balance === points - paid * seatPrice, 'A balance is not what its fan was told', row);
    violations.expect(entries === balance, 'A ledger does not add up to its balance', row);
    violations.expect(count === paid, 'Payments are not those that were told', row);
  }
  for (const { of } of payments)
    violations.expect(told.paid.has(of), 'A payment is for what was not told paid', of);
  violations.expect(
    new Set(payments.map(({ of }) => of)).size === payments.length,
    'A reservation was paid twice',
    '',
  );
  violations.expect(
    payments.length === told.paid.size,
    'Payments that were told are not there',
    `${payments.length} of ${told.paid.size}`,
  );
}

async function checkPartner(partner: Partner, told: Told, violations: Violations): Promise<void> {
  const known = await partner.reservations();
  const { rejected } = await partner.count();
  for (const id of told.paid)
    violations.expect(known.has(id), 'The partner was not told of a paid reservation', id);
  for (const id of known)
    violations.expect(told.paid.has(id), 'The partner was told of one that is not paid', id);
  violations.expect(rejected === 0, 'The partner rejected signatures', String(rejected));
}
