import type { Outcome } from '@tutti/kit/saga';
import { numberOf, ok, textOf, type Command, type Rules } from './journal.ts';

export type DeliveryRow = {
  readonly id: string;
  readonly reservationId: string;
  readonly version: number;
  readonly type: string;
  readonly body: string;
  readonly createdAt: number;
  attempts: number;
  nextAttemptAt: number;
  lastError: string | null;
  deliveredAt: number | null;
  setAsideAt: number | null;
};

export type Failure = { readonly id: string; readonly error: string; readonly delayMs: number };
type Due = { id: string; body: string; attempts: number; takenAt: number };

const dueAfterMs = 30_000;

/** The tables and statements of the partner service, as TypeScript. */
export class PartnerDesk implements Rules {
  readonly deliveries = new Map<string, DeliveryRow>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  lockRows(): void {
    // Nothing to lock: a delivery belongs to one saga.
  }

  decide(commands: readonly Command[]): ReadonlyMap<number, Outcome> {
    for (const { saga: id, body } of commands) {
      const [reservationId, version] = [textOf(body, 'reservationId'), numberOf(body, 'version')];
      const isTold = [...this.deliveries.values()].some(
        (one) => one.reservationId === reservationId && one.version === version,
      );
      if (!isTold) this.#store(id, reservationId, version, body);
    }
    return new Map(commands.map(({ ord }) => [ord, ok()]));
  }

  #store(id: string, reservationId: string, version: number, body: Command['body']): void {
    const createdAt = this.#now();
    const untried = { attempts: 0, lastError: null, deliveredAt: null, setAsideAt: null };
    const nextAttemptAt = createdAt + dueAfterMs;
    const [type, text] = [textOf(body, 'type'), JSON.stringify(body)];
    this.deliveries.set(id, {
      id,
      reservationId,
      version,
      type,
      body: text,
      createdAt,
      nextAttemptAt,
      ...untried,
    });
  }

  untried(ids: readonly string[]): Due[] {
    return ids
      .flatMap((id) => this.deliveries.get(id) ?? [])
      .filter(({ attempts, deliveredAt }) => attempts === 0 && deliveredAt === null)
      .map((one) => this.#taken(one));
  }

  claim(most: number, leaseSeconds: number): Due[] {
    const now = this.#now();
    const claimed = [...this.deliveries.values()]
      .filter((one) => one.deliveredAt === null && one.setAsideAt === null && one.nextAttemptAt <= now)
      .toSorted((a, b) => a.nextAttemptAt - b.nextAttemptAt)
      .slice(0, most);
    for (const one of claimed) one.nextAttemptAt = now + leaseSeconds * 1_000;
    return claimed.map((one) => this.#taken(one));
  }

  #taken({ id, body, attempts }: DeliveryRow): Due {
    return { id, body, attempts, takenAt: Math.round(this.#now() / 1_000) };
  }

  markDelivered(ids: readonly string[]): void {
    for (const id of new Set(ids)) {
      const one = this.deliveries.get(id);
      if (!one) continue;
      one.deliveredAt = this.#now();
      one.attempts++;
      one.lastError = null;
    }
  }

  putOff(failures: readonly Failure[], giveUpHours: number): void {
    const now = this.#now();
    for (const { id, error, delayMs } of failures) {
      const one = this.deliveries.get(id);
      if (!one || one.deliveredAt !== null) continue;
      one.attempts++;
      one.lastError = error;
      one.nextAttemptAt = now + delayMs;
      one.setAsideAt = one.createdAt < now - giveUpHours * 3_600_000 ? now : null;
    }
  }
}
