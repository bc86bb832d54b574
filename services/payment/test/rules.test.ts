import { randomUUID } from 'node:crypto';
import { until } from '@tutti/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { charge, deduct, openBank, returnPoints, settle, verdict, type Bank } from './bank.fixture.ts';

// Protocol rules 1, 8 and 9 at the one who takes points, each against the schedule that breaks a service without it. Where
// two commands overlap, the first one's transaction is held open until the server says that the second waits for it.
let bank: Bank;
beforeAll(async () => {
  bank = await openBank();
});
afterAll(() => bank.close());

const count = (verdicts: string[], wanted: string): number => verdicts.filter((one) => one === wanted).length;

describe('lock, then look (rule 8)', () => {
  test('a deduction repeated while the first is uncommitted takes the points once', async () => {
    const fan = await bank.fan(1_000);
    const [first, second] = [bank.session(), bank.session()];
    const command = deduct(fan, 300);
    const answer = await first.handleOpen(command);
    const repeated = second.handle(command);
    await second.waits();
    await first.commit();
    expect(answer).toMatchObject([{ ok: { paymentId: command.saga, balance: 700 } }]);
    expect(await repeated).toEqual(answer);
    expect(await bank.ledger(fan)).toEqual([1_000, -300]);
    expect(await bank.balance(fan)).toBe(700);
  });

  test('a first charge repeated while it is uncommitted counts once, though there was no wallet to lock', async () => {
    const fan = randomUUID();
    const [first, second] = [bank.session(), bank.session()];
    const command = charge(fan, 500);
    const answer = await first.handleOpen(command);
    const repeated = second.handle(command);
    await second.waits();
    await first.commit();
    expect(await repeated).toEqual(answer);
    expect(await bank.ledger(fan)).toEqual([500]);
  });

  test('two first charges that overlap both count', async () => {
    const fan = randomUUID();
    const [first, second] = [bank.session(), bank.session()];
    await first.handleOpen(charge(fan, 500));
    const other = second.handle(charge(fan, 70));
    await second.waits();
    await first.commit();
    expect(await other).toMatchObject([{ ok: { balance: 570 } }]);
    expect(await bank.ledger(fan)).toEqual([500, 70]);
  });

  test('of fifty payments in one batch from a wallet that can afford one, one is made', async () => {
    const fan = await bank.fan(1_000);
    const outcomes = await bank.session().handle(...Array.from({ length: 50 }, () => deduct(fan, 1_000)));
    expect(outcomes[0]).toMatchObject({ ok: { balance: 0 } });
    expect(count(outcomes.map(verdict), 'insufficient_points')).toBe(49);
    expect(await bank.ledger(fan)).toEqual([1_000, -1_000]);
  });

  test('of fifty payments over two connections from a wallet that can afford one, one is made', async () => {
    const fan = await bank.fan(1_000);
    const batch = () => Array.from({ length: 25 }, () => deduct(fan, 1_000));
    const [first, second] = [bank.session(), bank.session()];
    const some = await first.handleOpen(...batch());
    const others = second.handle(...batch());
    await second.waits();
    await first.commit();
    const verdicts = [...some, ...(await others)].map(verdict);
    expect(count(verdicts, 'ok')).toBe(1);
    expect(count(verdicts, 'insufficient_points')).toBe(49);
    expect(await bank.ledger(fan)).toEqual([1_000, -1_000]);
    expect(await bank.balance(fan)).toBe(0);
  });

  test('a payment that is refused takes nothing from those behind it', async () => {
    const fan = await bank.fan(100);
    const outcomes = await bank
      .session()
      .handle(deduct(fan, 80), deduct(fan, 30), deduct(fan, 20), charge(fan, 5));
    expect(outcomes.map(verdict)).toEqual(['ok', 'insufficient_points', 'ok', 'ok']);
    expect(outcomes[1]).toEqual({
      refused: { code: 'insufficient_points', data: { balance: 20, amount: 30 } },
    });
    expect(await bank.ledger(fan)).toEqual([100, -80, -20, 5]);
  });

  // Held at the wallet in the middle, each batch has its first and waits; without one order each then wants the other's.
  test('overlapping batches with wallets in opposite order do not wait in a circle', async () => {
    const fans = [await bank.fan(100), await bank.fan(100), await bank.fan(100)].toSorted();
    const [blocker, first, second] = [bank.session(), bank.session(), bank.session()];
    await blocker.run('begin');
    await blocker.run('select 1 from wallet where user_id = $1 for update', [fans[1]]);
    const forward = first.handle(...fans.map((fan) => deduct(fan, 60)));
    await first.waits();
    const backward = second.handle(...fans.toReversed().map((fan) => deduct(fan, 60)));
    await second.waits();
    await blocker.commit();
    expect((await forward).map(verdict)).toEqual(['ok', 'ok', 'ok']);
    expect((await backward).map(verdict)).toEqual(fans.map(() => 'insufficient_points'));
  });

  test('overlapping batches that make the same wallets in opposite order do not wait in a circle', async () => {
    const fans = [randomUUID(), randomUUID(), randomUUID()].toSorted();
    const [blocker, first, second] = [bank.session(), bank.session(), bank.session()];
    await blocker.run('begin');
    await blocker.run('insert into wallet (user_id) values ($1)', [fans[1]]);
    const forward = first.handle(...fans.map((fan) => charge(fan, 1)));
    await first.waits();
    const backward = second.handle(...fans.toReversed().map((fan) => charge(fan, 1)));
    await second.waits();
    await blocker.commit();
    const verdicts = (await Promise.all([forward, backward])).flat().map(verdict);
    expect(count(verdicts, 'ok')).toBe(6);
    expect(await Promise.all(fans.map((fan) => bank.balance(fan)))).toEqual([2, 2, 2]);
  });
});

describe('the journal row of the deduction is what counts (rule 1)', () => {
  test('asked about a deduction that is uncommitted, the service answers its ok', async () => {
    const fan = await bank.fan(1_000);
    const [first, second] = [bank.session(), bank.session()];
    const clerk = bank.clerk(second);
    const command = deduct(fan, 300);
    const [answer] = await first.handleOpen(command);
    await clerk.send(settle(command));
    await second.waits();
    expect(clerk.replies).toEqual([]);
    await first.commit();
    await until('it is answered', () => clerk.replies.length === 1);
    expect(clerk.replies).toEqual([
      { saga: command.saga, step: 'points', direction: 'settle', outcome: answer },
    ]);
    expect(await bank.balance(fan)).toBe(700);
  });

  test('asked about a deduction that rolls back, it answers that there will never be one, and keeps that word', async () => {
    const fan = await bank.fan(1_000);
    const [first, second] = [bank.session(), bank.session()];
    const clerk = bank.clerk(second);
    const command = deduct(fan, 300);
    await first.handleOpen(command);
    await clerk.send(settle(command));
    await second.waits();
    await first.run('rollback');
    await until('it is answered', () => clerk.replies.length === 1);
    await clerk.send(command);
    await until('the late deduction is answered', () => clerk.replies.length === 2);
    expect(clerk.replies.map(({ outcome }) => verdict(outcome))).toEqual(['timed_out', 'timed_out']);
    expect(await bank.ledger(fan)).toEqual([1_000]);
  });

  test('a deduction that waits for its wallet while it is settled takes nothing', async () => {
    const fan = await bank.fan(1_000);
    const [blocker, late, settling] = [bank.session(), bank.session(), bank.session()];
    await blocker.run('begin');
    await blocker.run('select 1 from wallet where user_id = $1 for update', [fan]);
    const command = deduct(fan, 300);
    const outcome = late.handle(command);
    await late.waits();
    expect((await settling.handle(settle(command))).map(verdict)).toEqual(['timed_out']);
    await blocker.commit();
    expect((await outcome).map(verdict)).toEqual(['timed_out']);
    expect(await bank.ledger(fan)).toEqual([1_000]);
    expect(await bank.balance(fan)).toBe(1_000);
  });

  test('asked about a refused deduction, it answers the refusal it gave', async () => {
    const fan = await bank.fan(100);
    const session = bank.session();
    const command = deduct(fan, 300);
    const refused = await session.handle(command);
    await session.handle(charge(fan, 1_000));
    expect(await session.handle(settle(command))).toEqual(refused);
    expect(await session.handle(command)).toEqual(refused);
    expect(await bank.balance(fan)).toBe(1_100);
  });
});

describe('backstops (rule 9)', () => {
  test('a reservation has one payment that was not returned, whatever goes wrong elsewhere', async () => {
    const fan = await bank.fan(1_000);
    const reservationId = randomUUID();
    const session = bank.session();
    const clerk = bank.clerk(session);
    const [one, two] = [deduct(fan, 300, { reservationId }), deduct(fan, 300, { reservationId })];
    await clerk.send(one, two, charge(fan, 1));
    const isOver = async () => clerk.replies.length === 2 && (await clerk.deadLetters()) === 1;
    await until('the others are answered', isOver);
    expect(await bank.ledger(fan)).toEqual([1_000, -300, 1]);
    expect((await session.handle(returnPoints(fan, reservationId))).map(verdict)).toEqual(['ok']);
    expect((await session.handle(deduct(fan, 200, { reservationId }))).map(verdict)).toEqual(['ok']);
    expect(await bank.ledger(fan)).toEqual([1_000, -300, 1, 300, -200]);
  });

  test('what a payment took is returned once, however many ask for it at once', async () => {
    const fan = await bank.fan(1_000);
    const paid = deduct(fan, 300);
    const reservationId = reservationOf(paid.body);
    const [first, second] = [bank.session(), bank.session()];
    await first.handle(paid);
    await first.handleOpen(returnPoints(fan, reservationId));
    const others = second.handle(returnPoints(fan, reservationId), returnPoints(fan, reservationId));
    await second.waits();
    await first.commit();
    expect(await others).toMatchObject([{ ok: { returned: 300 } }, { ok: { returned: 300 } }]);
    expect(await bank.ledger(fan)).toEqual([1_000, -300, 300]);
    expect(await bank.balance(fan)).toBe(1_000);
  });

  test('a payment keeps when it was returned, beside when it was made', async () => {
    const paid = deduct(await bank.fan(1_000), 300);
    const session = bank.session();
    await session.handle(paid);
    await session.handle(returnPoints(userOf(paid.body), reservationOf(paid.body)));
    expect(
      await session.run('select 1 from payment where id = $1 and returned_at > at', [paid.saga]),
    ).toHaveLength(1);
  });

  test('entries are never changed, deleted or emptied', async () => {
    const fan = await bank.fan(1_000);
    const session = bank.session();
    for (const attempt of [
      'update entry set amount = amount + 1',
      `delete from entry where user_id = '${fan}'`,
      'truncate entry',
      'truncate entry, wallet cascade',
    ])
      await expect(session.run(attempt)).rejects.toThrow('entries are never changed or deleted');
    expect(await bank.ledger(fan)).toEqual([1_000]);
  });
});

function userOf(body: unknown): string {
  if (typeof body !== 'object' || body === null || !('userId' in body)) throw new Error('Nobody pays.');
  return String(body.userId);
}

function reservationOf(body: unknown): string {
  if (typeof body !== 'object' || body === null || !('reservationId' in body))
    throw new Error('It pays for nothing.');
  return String(body.reservationId);
}
