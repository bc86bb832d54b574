import type { Seat } from '@tutti/contracts';
import type { Outcome } from '@tutti/kit/saga';
import { ok, refused, textOf, type Body, type Command, type Rules } from './journal.ts';

export type ReservationRow = {
  readonly id: string;
  readonly performanceId: string;
  readonly userId: string;
  status: 'reserved' | 'paying' | 'paid' | 'cancelled' | 'expired';
  readonly seatIds: readonly string[];
  readonly seats: readonly Seat[];
  readonly amount: number;
  expiresAt: number;
  extended: boolean;
  payingSaga: string | null;
  version: number;
};

export type SeatRow = Seat & {
  readonly performanceId: string;
  readonly index: number;
  status: 'available' | 'reserved' | 'paid';
  reservationId: string | null;
};

export type PerformanceRow = {
  readonly id: string;
  readonly onSaleAt: number;
  readonly startsAt: number;
  readonly saleState: 'open' | 'paused' | 'closed';
  sequence: number;
};

type Wish = {
  readonly command: Command;
  readonly userId: string;
  readonly performanceId: string;
  readonly seats: readonly SeatRow[];
  readonly seatIds: readonly string[];
  readonly held: number;
};

const seatLimit = 6;
const graceMs = 60_000;
const rfc3339 = (at: number): string => new Date(at).toISOString();
const seatKey = (performanceId: string, seatId: string): string => `${performanceId}/${seatId}`;

/** The tables and commands of services/concert/migrations, as TypeScript. */
export class Hall implements Rules {
  readonly performances = new Map<string, PerformanceRow>();
  readonly seats = new Map<string, SeatRow>();
  readonly reservations = new Map<string, ReservationRow>();
  readonly #now: () => number;
  readonly #holdMs: number;

  constructor(now: () => number, holdSeconds: number) {
    this.#now = now;
    this.#holdMs = holdSeconds * 1_000;
  }

  /** Seats `S-1` …, each a little dearer than the one before. */
  show(performance: Omit<PerformanceRow, 'sequence'>, seats: number): void {
    this.performances.set(performance.id, { ...performance, sequence: 0 });
    for (let index = 0; index < seats; index++) {
      const seatId = `S-${index + 1}`;
      this.seats.set(seatKey(performance.id, seatId), {
        performanceId: performance.id,
        seatId,
        index,
        label: `Seat ${index + 1}`,
        price: 1_000 + 100 * index,
        status: 'available',
        reservationId: null,
      });
    }
  }

  lockRows(): void {
    // One statement is one moment.
  }

  decide(commands: readonly Command[]): ReadonlyMap<number, Outcome> {
    const outcomes = new Map<number, Outcome>();
    const of = (type: string): Command[] => commands.filter((command) => command.type === type);
    for (const undo of of('concert.mark-reserved')) outcomes.set(undo.ord, this.#markReserved(undo));
    for (const command of of('concert.confirm-paid')) outcomes.set(command.ord, this.#confirmPaid(command));
    this.#markPaid(of('concert.mark-paid'), outcomes);
    this.#cancel(of('concert.cancel'), outcomes);
    this.#reserve(of('concert.reserve-seats'), outcomes);
    this.#countChanges(commands);
    return outcomes;
  }

  /** Ends at most so many holds; those that end first first. */
  expire(most: number): ReservationRow[] {
    const due = [...this.reservations.values()]
      .filter(({ status, expiresAt }) => status === 'reserved' && expiresAt <= this.#now())
      .toSorted((a, b) => a.expiresAt - b.expiresAt)
      .slice(0, most);
    for (const reservation of due) this.#end(reservation, 'expired');
    for (const id of new Set(due.map(({ performanceId }) => performanceId))) this.#countChange(id);
    return due;
  }

  // ── commands ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #markReserved({ saga, body }: Command): Outcome {
    const reservation = this.#named(body);
    if (reservation?.status !== 'paying' || reservation.payingSaga !== saga) return ok({ expiresAt: null });
    const grace = this.#now() + graceMs;
    const { extended, expiresAt } = reservation;
    reservation.status = 'reserved';
    reservation.payingSaga = null;
    reservation.version++;
    if (!extended) reservation.expiresAt = Math.max(expiresAt, grace);
    reservation.extended = extended || expiresAt < grace;
    return ok({ expiresAt: rfc3339(reservation.expiresAt) });
  }

  #confirmPaid({ saga, body }: Command): Outcome {
    const reservation = this.#named(body);
    if (reservation?.status !== 'paying' || reservation.payingSaga !== saga) return ok();
    reservation.status = 'paid';
    reservation.payingSaga = null;
    reservation.version++;
    for (const seat of this.#seatsOf(reservation)) seat.status = 'paid';
    return ok();
  }

  #markPaid(commands: readonly Command[], outcomes: Map<number, Outcome>): void {
    for (const { ord, saga, body } of commands) {
      const reservation = this.#named(body);
      const refusal = this.#refusalOfPaying(reservation, body);
      if (refusal !== undefined || !reservation) {
        outcomes.set(ord, refused(refusal ?? 'reservation_not_found'));
        continue;
      }
      const { amount, performanceId, seats } = reservation;
      reservation.status = 'paying';
      reservation.payingSaga = saga;
      reservation.version++;
      outcomes.set(ord, ok({ amount, performanceId, seats, version: reservation.version }));
    }
  }

  #refusalOfPaying(reservation: ReservationRow | undefined, body: Body): string | undefined {
    if (reservation?.userId !== textOf(body, 'userId')) return 'reservation_not_found';
    const { status, expiresAt } = reservation;
    if (status === 'paid') return 'already_paid';
    if (status === 'cancelled') return 'reservation_cancelled';
    if (status === 'paying') return 'payment_in_progress';
    if (status === 'expired' || expiresAt <= this.#now()) return 'reservation_expired';
    return undefined;
  }

  #cancel(commands: readonly Command[], outcomes: Map<number, Outcome>): void {
    for (const { ord, body } of commands) {
      const reservation = this.#named(body);
      const refusal = this.#refusalOfCancelling(reservation, body);
      if (refusal !== undefined || !reservation) {
        outcomes.set(ord, refused(refusal ?? 'reservation_not_found'));
        continue;
      }
      if (reservation.status !== 'cancelled') this.#end(reservation, 'cancelled');
      const { id, performanceId, seats, amount, expiresAt, version } = reservation;
      const told = { reservationId: id, performanceId, seats, amount, version };
      outcomes.set(ord, ok({ ...told, expiresAt: rfc3339(expiresAt), at: rfc3339(this.#now()) }));
    }
  }

  #refusalOfCancelling(reservation: ReservationRow | undefined, body: Body): string | undefined {
    if (reservation?.userId !== textOf(body, 'userId')) return 'reservation_not_found';
    const { status, expiresAt, performanceId } = reservation;
    if (status === 'paying') return 'payment_in_progress';
    if (status === 'expired' || (status === 'reserved' && expiresAt <= this.#now()))
      return 'reservation_expired';
    const startsAt = this.performances.get(performanceId)?.startsAt ?? 0;
    return status === 'paid' && startsAt <= this.#now() ? 'cancellation_closed' : undefined;
  }

  /** What the tables refuse is told first; of the others the earlier goes first. */
  #reserve(commands: readonly Command[], outcomes: Map<number, Outcome>): void {
    const wishes: Wish[] = [];
    for (const command of commands) {
      const wish = this.#wishOf(command);
      const refusal = this.#refusalOf(wish);
      if (refusal) outcomes.set(command.ord, refusal);
      else wishes.push(wish);
    }
    const granted: Wish[] = [];
    for (const wish of wishes) {
      const refusal = refusalAmong(granted, wish);
      if (refusal) outcomes.set(wish.command.ord, refusal);
      else granted.push(wish);
    }
    for (const wish of granted) outcomes.set(wish.command.ord, this.#grant(wish));
  }

  #wishOf(command: Command): Wish {
    const performanceId = textOf(command.body, 'performanceId');
    const userId = textOf(command.body, 'userId');
    const asked = command.body['seatIds'];
    const seatIds = Array.isArray(asked) ? asked.map(String) : [];
    const seats = seatIds
      .flatMap((id) => this.seats.get(seatKey(performanceId, id)) ?? [])
      .toSorted((a, b) => a.index - b.index);
    const held = [...this.reservations.values()]
      .filter((one) => one.userId === userId && one.performanceId === performanceId)
      .filter(({ status }) => status === 'reserved' || status === 'paying' || status === 'paid')
      .reduce((sum, one) => sum + one.seatIds.length, 0);
    return { command, userId, performanceId, seats, seatIds, held };
  }

  #refusalOf({ performanceId, seats, seatIds, held }: Wish): Outcome | undefined {
    const performance = this.performances.get(performanceId);
    if (!performance) return refused('performance_not_found');
    const unknown = seatIds.filter((id) => !this.seats.has(seatKey(performanceId, id)));
    if (unknown.length > 0) return refused('seat_not_found', { seatIds: unknown });
    if (performance.saleState !== 'open') return refused('sale_closed');
    if (performance.onSaleAt > this.#now())
      return refused('sale_not_open', { opensAt: rfc3339(performance.onSaleAt) });
    if (held + seatIds.length > seatLimit) return refused('seat_limit_exceeded', { limit: seatLimit, held });
    const taken = seats.filter(({ status }) => status !== 'available').map(({ seatId }) => seatId);
    return taken.length > 0 ? refused('seat_unavailable', { seatIds: taken }) : undefined;
  }

  #grant({ command: { saga: id }, userId, performanceId, seats: rows, seatIds }: Wish): Outcome {
    const seats = rows.map(({ seatId, label, price }) => ({ seatId, label, price }));
    const amount = seats.reduce((sum, { price }) => sum + price, 0);
    const expiresAt = this.#now() + this.#holdMs;
    const unpaid = { extended: false, payingSaga: null, version: 1 };
    const status = 'reserved';
    this.reservations.set(id, {
      id,
      performanceId,
      userId,
      status,
      seatIds,
      seats,
      amount,
      expiresAt,
      ...unpaid,
    });
    for (const row of rows) {
      row.status = 'reserved';
      row.reservationId = id;
    }
    return ok({ reservationId: id, performanceId, seats, amount, expiresAt: rfc3339(expiresAt) });
  }

  // ── rows ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  #named(body: Body): ReservationRow | undefined {
    return this.reservations.get(textOf(body, 'reservationId'));
  }

  #seatsOf({ id, performanceId, seatIds }: ReservationRow): SeatRow[] {
    return seatIds
      .flatMap((seatId) => this.seats.get(seatKey(performanceId, seatId)) ?? [])
      .filter(({ reservationId }) => reservationId === id);
  }

  #end(reservation: ReservationRow, status: 'cancelled' | 'expired'): void {
    reservation.status = status;
    reservation.version++;
    for (const seat of this.#seatsOf(reservation)) {
      seat.status = 'available';
      seat.reservationId = null;
    }
  }

  /** Once per batch and performance, whatever of it changed. */
  #countChanges(commands: readonly Command[]): void {
    const changed = commands.flatMap(({ type, saga, body }) => {
      if (type === 'concert.reserve-seats') return this.reservations.get(saga)?.performanceId ?? [];
      if (type !== 'concert.confirm-paid' && type !== 'concert.cancel') return [];
      return this.#named(body)?.performanceId ?? [];
    });
    for (const id of new Set(changed)) this.#countChange(id);
  }

  #countChange(performanceId: string): void {
    const performance = this.performances.get(performanceId);
    if (performance) performance.sequence++;
  }
}

/** Why one wish of a batch cannot be granted after those before it. */
function refusalAmong(granted: readonly Wish[], wish: Wish): Outcome | undefined {
  const ofShow = granted.filter(({ performanceId }) => performanceId === wish.performanceId);
  const held = ofShow
    .filter(({ userId }) => userId === wish.userId)
    .reduce((sum, { seatIds }) => sum + seatIds.length, wish.held);
  if (held + wish.seatIds.length > seatLimit)
    return refused('seat_limit_exceeded', { limit: seatLimit, held });
  const taken = new Set(ofShow.flatMap(({ seatIds }) => seatIds));
  const wanted = wish.seatIds.filter((id) => taken.has(id));
  return wanted.length > 0 ? refused('seat_unavailable', { seatIds: wanted }) : undefined;
}

/** The lease of kit/src/lock/migrations/001_lease.sql. */
export class LeaseTable {
  readonly rows = new Map<string, { owner: string; fence: number; until: number }>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  take(name: string, owner: string, seconds: number): number | undefined {
    const row = this.rows.get(name);
    if (row && row.owner !== owner && row.until >= this.#now()) return undefined;
    const fence = row ? row.fence + (row.owner === owner ? 0 : 1) : 1;
    this.rows.set(name, { owner, fence, until: this.#now() + seconds * 1_000 });
    return fence;
  }

  release(name: string, owner: string): void {
    const row = this.rows.get(name);
    if (row?.owner === owner) row.until = this.#now();
  }
}
