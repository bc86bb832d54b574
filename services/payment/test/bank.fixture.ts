import { payment } from '@tutti/contracts';
import { InProcessBus } from '@tutti/kit/messaging';
import { callHandle, commandSettings, Participant } from '@tutti/kit/participant';
import type { Database } from '@tutti/kit/postgres';
import {
  commandQueue,
  replyQueue,
  type CommandMessage,
  type Outcome,
  type ReplyMessage,
} from '@tutti/kit/saga';
import { createLog } from '@tutti/kit/service';
import { sessionsOf, testDatabase, type Session } from '@tutti/kit/testing';
import { randomUUID } from 'node:crypto';
import { paymentMigrations } from '../src/main.ts';

/** A service that obeys commands from a bus, over one connection, and what it replied. */
export type Clerk = {
  send(...commands: CommandMessage[]): Promise<void>;
  readonly replies: readonly ReplyMessage[];
  readonly deadLetters: () => Promise<number>;
};

/** The payment service's tables and functions, and as many connections as a schedule needs. */
export class Bank {
  readonly database: Database;
  readonly session: () => Session;
  readonly close: () => Promise<void>;
  readonly #buses: InProcessBus[] = [];

  constructor(database: Database, session: () => Session, close: () => Promise<void>) {
    this.database = database;
    this.session = session;
    this.close = async () => {
      await Promise.all(this.#buses.map((bus) => bus.close()));
      await close();
    };
  }

  clerk(session: Session): Clerk {
    const bus = new InProcessBus();
    this.#buses.push(bus);
    const replies: ReplyMessage[] = [];
    bus.consume(replyQueue('test'), (batch) => {
      for (const { message } of batch) replies.push(message);
      return Promise.resolve();
    });
    // It stops with its bus.
    void new Participant({
      bus,
      service: 'payment',
      database: session.connection,
      effects: Object.values(payment).map(({ name }) => name),
      log: createLog('silent'),
    });
    return {
      send: (...commands) => bus.publish(commandQueue('payment'), commands),
      replies,
      deadLetters: async () => (await bus.deadLetters()).length,
    };
  }

  /** A new fan with so many points. */
  async fan(points: number): Promise<string> {
    const userId = randomUUID();
    if (points > 0) await callHandle(this.database, [charge(userId, points)]);
    return userId;
  }

  async balance(userId: string): Promise<number> {
    const [row] = await this.database.query<{ balance: number }>(
      'select balance from wallet where user_id = $1',
      [userId],
    );
    return row?.balance ?? 0;
  }

  /** The amounts in a wallet's ledger, oldest first. Throws when positions or running balances do not add up. */
  async ledger(userId: string): Promise<number[]> {
    const rows = await this.database.query<{ amount: number; position: number; balanceAfter: number }>(
      `select amount, position, balance_after as "balanceAfter" from entry where user_id = $1 order by position`,
      [userId],
    );
    let sum = 0;
    for (const [index, { amount, position, balanceAfter }] of rows.entries()) {
      sum += amount;
      if (position !== index + 1 || balanceAfter !== sum)
        throw new Error(`The ledger of ${userId} does not add up.`);
    }
    return rows.map(({ amount }) => amount);
  }
}

export async function openBank(): Promise<Bank> {
  const settings = commandSettings;
  const test = await testDatabase(paymentMigrations, { settings });
  const sessions = sessionsOf(test, settings);
  return new Bank(test.database, sessions.open, async () => {
    await sessions.close();
    await test.drop();
  });
}

const command = (type: string, step: string, body: object, saga: string): CommandMessage => ({
  type,
  saga,
  step,
  direction: 'do',
  body,
  replyTo: 'test',
  traceId: 'test',
});

export const charge = (userId: string, amount: number, saga: string = randomUUID()): CommandMessage =>
  command(payment.chargePoints.name, 'charge', { userId, amount }, saga);

export const deduct = (
  userId: string,
  amount: number,
  { saga = randomUUID(), reservationId = randomUUID() }: { saga?: string; reservationId?: string } = {},
): CommandMessage => command(payment.deductPoints.name, 'points', { userId, amount, reservationId }, saga);

export const returnPoints = (userId: string, reservationId: string): CommandMessage =>
  command(payment.returnPoints.name, 'points', { userId, reservationId }, randomUUID());

/** Asks what became of a command, as a driver does before it turns round. */
export const settle = (asked: CommandMessage): CommandMessage => ({
  ...asked,
  direction: 'settle',
  body: {},
});

/** What a test compares: `ok`, or the code of the refusal. */
export const verdict = (outcome: Outcome | undefined): string => {
  if (!outcome) return 'nothing';
  return 'ok' in outcome ? 'ok' : outcome.refused.code;
};
