import type { CommandMessage } from '@tutti/kit/saga';
import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { charge, deduct, openBank, returnPoints, verdict, type Bank } from './bank.fixture.ts';

// Invariants 5 and 6 as properties: whatever arrives in whatever batches, however often, each wallet is the sum of its ledger.
let bank: Bank;
beforeAll(async () => {
  bank = await openBank();
});
afterAll(() => bank.close());

type Move =
  | { kind: 'charge'; fan: number; amount: number }
  | { kind: 'deduct'; fan: number; amount: number }
  /** Returns what the n-th deduction took; the n is taken modulo the deductions there are. */
  | { kind: 'return'; of: number }
  /** An earlier command arrives once more. */
  | { kind: 'repeat'; of: number };

const amount = fc.integer({ min: 0, max: 120 });
const fan = fc.nat(2);
const move: fc.Arbitrary<Move> = fc.oneof(
  fc.record({ kind: fc.constant('charge' as const), fan, amount }),
  fc.record({ kind: fc.constant('deduct' as const), fan, amount }),
  fc.record({ kind: fc.constant('return' as const), of: fc.nat(20) }),
  fc.record({ kind: fc.constant('repeat' as const), of: fc.nat(40) }),
);

/** A command and what a model needs to know of it. */
type Asked = {
  command: CommandMessage;
  kind: 'charge' | 'deduct' | 'return';
  userId: string;
  amount: number;
  reservationId: string;
};

/** One wallet after the other, one command after the other. */
class Model {
  readonly ledgers = new Map<string, number[]>();
  readonly #payments = new Map<string, { amount: number; returned: boolean }>();
  readonly #answers = new Map<string, string>();

  obey(asked: Asked): string {
    const answer = this.#answers.get(asked.command.saga) ?? this.#decide(asked);
    this.#answers.set(asked.command.saga, answer);
    return answer;
  }

  balance(userId: string): number {
    return (this.ledgers.get(userId) ?? []).reduce((sum, one) => sum + one, 0);
  }

  #decide({ kind, userId, amount, reservationId }: Asked): string {
    if (kind === 'charge') return this.#move(userId, amount);
    if (kind === 'deduct') {
      if (this.balance(userId) < amount) return 'insufficient_points';
      this.#payments.set(reservationId, { amount, returned: false });
      return this.#move(userId, -amount);
    }
    const paid = this.#payments.get(reservationId);
    if (!paid || paid.returned) return 'ok';
    paid.returned = true;
    return this.#move(userId, paid.amount);
  }

  #move(userId: string, by: number): string {
    if (by !== 0) this.ledgers.set(userId, [...(this.ledgers.get(userId) ?? []), by]);
    return 'ok';
  }
}

/** The commands that these moves are, by fans nobody knew before. */
function askedOf(moves: readonly Move[]): { fans: string[]; asked: Asked[] } {
  const fans = [randomUUID(), randomUUID(), randomUUID()];
  const asked: Asked[] = [];
  for (const one of moves) {
    const deductions = asked.filter(({ kind }) => kind === 'deduct');
    const earlier = one.kind === 'return' ? deductions[one.of % deductions.length] : undefined;
    if (one.kind === 'repeat') asked.push(...asked.slice(one.of % Math.max(1, asked.length)).slice(0, 1));
    else if (one.kind !== 'return') {
      const [userId, reservationId] = [fans[one.fan] ?? '', randomUUID()];
      const command =
        one.kind === 'charge' ? charge(userId, one.amount) : deduct(userId, one.amount, { reservationId });
      asked.push({ command, kind: one.kind, userId, amount: one.amount, reservationId });
    } else if (earlier) {
      const { userId, reservationId } = earlier;
      asked.push({ ...earlier, kind: 'return', command: returnPoints(userId, reservationId) });
    }
  }
  return { fans, asked };
}

/** Batches of at most `size`, in none of which a command stands twice: the caller of `handle` sees to that. */
function batchesOf(asked: readonly Asked[], size: number): Asked[][] {
  const batches: Asked[][] = [];
  let batch: Asked[] = [];
  for (const one of asked) {
    if (batch.length === size || batch.includes(one)) {
      batches.push(batch);
      batch = [];
    }
    batch.push(one);
  }
  return batch.length > 0 ? [...batches, batch] : batches;
}

test('every wallet is the sum of its ledger and what a command after the other makes of it, whatever the batches', async () => {
  const session = bank.session();
  const plan = fc.record({
    moves: fc.array(move, { minLength: 1, maxLength: 40 }),
    size: fc.integer({ min: 1, max: 15 }),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ moves, size }) => {
      const { fans, asked } = askedOf(moves);
      const model = new Model();
      for (const batch of batchesOf(asked, size)) {
        const outcomes = await session.handle(...batch.map(({ command }) => command));
        expect(outcomes.map(verdict)).toEqual(batch.map((one) => model.obey(one)));
      }
      for (const userId of fans) {
        expect(await bank.ledger(userId)).toEqual(model.ledgers.get(userId) ?? []);
        expect(await bank.balance(userId)).toBe(model.balance(userId));
      }
    }),
    { numRuns: 60 },
  );
});

test('two connections that pay and charge the same wallets at once leave every wallet the sum of its ledger', async () => {
  const fans = [await bank.fan(500), await bank.fan(500), await bank.fan(500)];
  const sessions = [bank.session(), bank.session()];
  const batch = (round: number) =>
    fans.flatMap((userId) => [deduct(userId, 30 + round), charge(userId, 7), deduct(userId, 11)]);
  for (let round = 0; round < 15; round++) {
    const [first, second] = sessions;
    await first?.handleOpen(...batch(round));
    const overlapping = second?.handle(...batch(round).toReversed());
    await second?.waits();
    await first?.commit();
    await overlapping;
    sessions.reverse();
  }
  for (const userId of fans) {
    const ledger = await bank.ledger(userId);
    expect(await bank.balance(userId)).toBe(ledger.reduce((sum, one) => sum + one, 0));
    expect(await bank.balance(userId)).toBeGreaterThanOrEqual(0);
  }
});
