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

/** One wallet after the other, one command after the other. */
class Model {
  readonly balances = new Map<string, number>();
  readonly ledgers = new Map<string, number[]>();
  readonly #payments = new Map<string, { fan: string; amount: number; returned: boolean }>();
  readonly #answers = new Map<string, string>();

  obey({ saga, type, body }: CommandMessage): string {
    const known = this.#answers.get(saga);
    if (known !== undefined) return known;
    const answer = this.#decide(type, body as { userId: string; amount: number; reservationId: string });
    this.#answers.set(saga, answer);
    return answer;
  }

  #decide(type: string, body: { userId: string; amount: number; reservationId: string }): string {
    const { userId, amount: asked, reservationId } = body;
    if (type === 'payment.charge-points') return this.#move(userId, asked);
    if (type === 'payment.deduct-points') {
      if ((this.balances.get(userId) ?? 0) < asked) return 'insufficient_points';
      this.#payments.set(reservationId, { fan: userId, amount: asked, returned: false });
      return this.#move(userId, -asked);
    }
    const paid = this.#payments.get(reservationId);
    if (!paid || paid.returned) return 'ok';
    paid.returned = true;
    return this.#move(userId, paid.amount);
  }

  #move(userId: string, by: number): string {
    this.balances.set(userId, (this.balances.get(userId) ?? 0) + by);
    if (by !== 0) this.ledgers.set(userId, [...(this.ledgers.get(userId) ?? []), by]);
    return 'ok';
  }
}

/** The commands that these moves are, by fans nobody knew before. */
function commandsOf(moves: readonly Move[]): { fans: string[]; commands: CommandMessage[] } {
  const fans = [randomUUID(), randomUUID(), randomUUID()];
  const commands: CommandMessage[] = [];
  const deductions: { userId: string; reservationId: string }[] = [];
  for (const one of moves) {
    if (one.kind === 'charge') commands.push(charge(fans[one.fan] ?? '', one.amount));
    else if (one.kind === 'deduct') {
      const [userId, reservationId] = [fans[one.fan] ?? '', randomUUID()];
      deductions.push({ userId, reservationId });
      commands.push(deduct(userId, one.amount, { reservationId }));
    } else if (one.kind === 'return') {
      const paid = deductions[one.of % Math.max(1, deductions.length)];
      if (paid) commands.push(returnPoints(paid.userId, paid.reservationId));
    } else {
      const earlier = commands[one.of % Math.max(1, commands.length)];
      if (earlier) commands.push(earlier);
    }
  }
  return { fans, commands };
}

/** Batches of at most `size`, in none of which a command stands twice: the caller of `handle` sees to that. */
function batchesOf(commands: readonly CommandMessage[], size: number): CommandMessage[][] {
  const batches: CommandMessage[][] = [];
  let batch: CommandMessage[] = [];
  for (const command of commands) {
    if (batch.length === size || batch.includes(command)) {
      batches.push(batch);
      batch = [];
    }
    batch.push(command);
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
      const { fans, commands } = commandsOf(moves);
      const model = new Model();
      for (const batch of batchesOf(commands, size)) {
        const outcomes = await session.handle(...batch);
        expect(outcomes.map(verdict)).toEqual(batch.map((command) => model.obey(command)));
      }
      for (const userId of fans) {
        const ledger = await bank.ledger(userId);
        expect(ledger).toEqual(model.ledgers.get(userId) ?? []);
        expect(await bank.balance(userId)).toBe(ledger.reduce((sum, one) => sum + one, 0));
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
