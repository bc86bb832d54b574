import type { Outcome } from '@tutti/kit/saga';
import { numberOf, ok, refused, sqlError, textOf, type Command, type Rules } from './journal.ts';

export type EntryRow = {
  readonly id: string;
  readonly userId: string;
  readonly type: 'charge' | 'payment' | 'return';
  readonly amount: number;
  readonly balanceAfter: number;
  readonly position: number;
  readonly reservationId: string | null;
};

export type PaymentRow = {
  readonly id: string;
  readonly reservationId: string;
  readonly userId: string;
  readonly amount: number;
  readonly at: number;
  returnedAt: number | null;
};

const balanceMax = 1_000_000_000;

/** The tables and commands of services/payment/migrations, as TypeScript. */
export class Bank implements Rules {
  readonly wallets = new Map<string, number>();
  readonly entries: EntryRow[] = [];
  readonly payments: PaymentRow[] = [];
  readonly #now: () => number;
  #rollBack = () => {};

  constructor(now: () => number) {
    this.#now = now;
  }

  lockRows(commands: readonly Command[]): void {
    this.#begin();
    for (const { body } of commands) {
      const userId = body['userId'];
      if (typeof userId === 'string' && !this.wallets.has(userId)) this.wallets.set(userId, 0);
    }
  }

  decide(commands: readonly Command[]): ReadonlyMap<number, Outcome> {
    try {
      return new Map(commands.map((command) => [command.ord, this.#decideOne(command)]));
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  #begin(): void {
    const { wallets, entries, payments } = this;
    const before = {
      wallets: [...wallets],
      entries: entries.length,
      payments: payments.map((one) => ({ ...one })),
    };
    this.#rollBack = () => {
      wallets.clear();
      for (const [userId, balance] of before.wallets) wallets.set(userId, balance);
      entries.length = before.entries;
      payments.splice(0, payments.length, ...before.payments);
    };
  }

  #decideOne(command: Command): Outcome {
    switch (command.type) {
      case 'payment.deduct-points':
        return this.#deduct(command);
      case 'payment.charge-points':
        return this.#charge(command);
      case 'payment.return-points':
        return this.#return(command);
      default:
        throw new Error(`The bank knows no ${command.type}.`);
    }
  }

  #deduct({ saga, body }: Command): Outcome {
    const [userId, reservationId] = [textOf(body, 'userId'), textOf(body, 'reservationId')];
    const [amount, balance] = [numberOf(body, 'amount'), this.#balance(userId)];
    if (balance < amount) return refused('insufficient_points', { balance, amount });
    this.#expectUnpaid(reservationId);
    this.#move({ id: saga, userId, type: 'payment', amount: -amount, reservationId });
    const at = this.#now();
    this.payments.push({ id: saga, reservationId, userId, amount, at, returnedAt: null });
    return ok({ paymentId: saga, balance: balance - amount, at: new Date(at).toISOString() });
  }

  #charge({ saga, body }: Command): Outcome {
    const userId = textOf(body, 'userId');
    const [amount, balance] = [numberOf(body, 'amount'), this.#balance(userId)];
    if (balance + amount > balanceMax) return refused('balance_limit', { balance, limit: balanceMax });
    this.#move({ id: saga, userId, type: 'charge', amount, reservationId: null });
    return ok({ entryId: saga, balance: balance + amount });
  }

  #return({ saga, body }: Command): Outcome {
    const [userId, reservationId] = [textOf(body, 'userId'), textOf(body, 'reservationId')];
    const payment = this.payments
      .filter((one) => one.reservationId === reservationId && one.userId === userId)
      .toSorted((a, b) => b.at - a.at)[0];
    if (payment && payment.returnedAt === null) {
      this.#move({ id: saga, userId, type: 'return', amount: payment.amount, reservationId });
      payment.returnedAt = this.#now();
    }
    return ok({ returned: payment?.amount ?? 0, balance: this.#balance(userId) });
  }

  /** The index `payment_of_reservation`: a backstop that refuses the whole batch. */
  #expectUnpaid(reservationId: string): void {
    if (this.payments.some((one) => one.reservationId === reservationId && one.returnedAt === null))
      throw sqlError('23505', 'duplicate key value violates unique constraint "payment_of_reservation"');
  }

  #balance(userId: string): number {
    return this.wallets.get(userId) ?? 0;
  }

  /** Nothing is entered for nothing. */
  #move(entry: Omit<EntryRow, 'balanceAfter' | 'position'>): void {
    if (entry.amount === 0) return;
    const balanceAfter = this.#balance(entry.userId) + entry.amount;
    const position = 1 + this.entries.filter(({ userId }) => userId === entry.userId).length;
    this.wallets.set(entry.userId, balanceAfter);
    this.entries.push({ ...entry, balanceAfter, position });
  }
}
