import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  cancel,
  confirmPaid,
  markPaid,
  markReserved,
  openHall,
  reserve,
  verdict,
  type Hall,
} from './hall.fixture.ts';

// Protocol rules 8, 9, 10 and 12, each against the schedule that breaks a service without it. Where two commands overlap,
// the first one's transaction is held open until the server says that the second waits for it.
let hall: Hall;
beforeAll(async () => {
  hall = await openHall();
});
afterAll(() => hall.close());

describe('lock, then look (rule 8)', () => {
  test('an undo that overlaps its uncommitted action undoes it', async () => {
    const show = await hall.show(1);
    const held = await hall.reserved(show, ['S-1']);
    const payment = randomUUID();
    const [first, second] = [hall.session(), hall.session()];
    await first.handleOpen(markPaid(held, payment));
    const undone = second.handle(markReserved(held, payment));
    await second.waits();
    await first.commit();
    expect(await undone).toMatchObject([{ ok: { expiresAt: expect.any(String) } }]);
    expect(await hall.reservation(held.id)).toMatchObject({ status: 'reserved', payingSaga: null });
  });

  test('a reservation repeated while the first is uncommitted gets the first one’s answer', async () => {
    const show = await hall.show(2);
    const [first, second] = [hall.session(), hall.session()];
    const command = reserve(show, ['S-1', 'S-2']);
    const answer = await first.handleOpen(command);
    const repeated = second.handle(command);
    await second.waits();
    await first.commit();
    expect(await repeated).toEqual(answer);
    expect(await hall.seats(show)).toEqual([`reserved ${command.saga}`, `reserved ${command.saga}`]);
  });

  test('a payment’s claim repeated while the first is uncommitted gets the first one’s answer', async () => {
    const held = await hall.reserved(await hall.show(1), ['S-1']);
    const [first, second] = [hall.session(), hall.session()];
    const command = markPaid(held);
    const answer = await first.handleOpen(command);
    const repeated = second.handle(command);
    await second.waits();
    await first.commit();
    expect(answer.map(verdict)).toEqual(['ok']);
    expect(await repeated).toEqual(answer);
  });

  test('of two fans who reach for one seat at once the second is told so', async () => {
    const show = await hall.show(1);
    const [first, second] = [hall.session(), hall.session()];
    const winner = reserve(show, ['S-1']);
    await first.handleOpen(winner);
    const loser = second.handle(reserve(show, ['S-1']));
    await second.waits();
    await first.commit();
    expect(await loser).toEqual([{ refused: { code: 'seat_unavailable', data: { seatIds: ['S-1'] } } }]);
    expect(await hall.seats(show)).toEqual([`reserved ${winner.saga}`]);
  });

  test('of several seats a reservation gets all or none, even when one is taken while it waits', async () => {
    const show = await hall.show(3);
    const [first, second] = [hall.session(), hall.session()];
    const winner = reserve(show, ['S-2']);
    await first.handleOpen(winner);
    const loser = second.handle(reserve(show, ['S-1', 'S-2', 'S-3']));
    await second.waits();
    await first.commit();
    expect(await loser).toEqual([{ refused: { code: 'seat_unavailable', data: { seatIds: ['S-2'] } } }]);
    expect(await hall.seats(show)).toEqual(['available', `reserved ${winner.saga}`, 'available']);
  });

  test('a seat whose taker rolled back goes to the one who waited', async () => {
    const show = await hall.show(1);
    const [first, second] = [hall.session(), hall.session()];
    await first.handleOpen(reserve(show, ['S-1']));
    const waiting = reserve(show, ['S-1']);
    const outcome = second.handle(waiting);
    await second.waits();
    await first.run('rollback');
    expect((await outcome).map(verdict)).toEqual(['ok']);
    expect(await hall.seats(show)).toEqual([`reserved ${waiting.saga}`]);
  });

  test('a fan who reserves over two connections gets six seats, not more', async () => {
    const show = await hall.show(8);
    const userId = randomUUID();
    const [first, second] = [hall.session(), hall.session()];
    await first.handleOpen(reserve(show, ['S-1', 'S-2', 'S-3', 'S-4'], { userId }));
    const more = second.handle(reserve(show, ['S-5', 'S-6', 'S-7'], { userId }));
    await second.waits();
    await first.commit();
    expect(await more).toEqual([{ refused: { code: 'seat_limit_exceeded', data: { limit: 6, held: 4 } } }]);
    expect((await hall.seats(show)).filter((seat) => seat !== 'available')).toHaveLength(4);
  });
});

describe('a refused command takes nothing from those behind it (rule 8)', () => {
  test('a stranger who tries to cancel does not make the owner’s cancellation an empty word', async () => {
    const show = await hall.show(1);
    const held = await hall.reserved(show, ['S-1']);
    const outcomes = await hall.session().handle(cancel({ ...held, userId: randomUUID() }), cancel(held));
    expect(outcomes.map(verdict)).toEqual(['reservation_not_found', 'ok']);
    expect(await hall.reservation(held.id)).toMatchObject({ status: 'cancelled' });
    expect(await hall.seats(show)).toEqual(['available']);
  });

  test('a stranger who tries to pay does not keep the owner from it', async () => {
    const show = await hall.show(1);
    const held = await hall.reserved(show, ['S-1']);
    const outcomes = await hall.session().handle(markPaid({ ...held, userId: randomUUID() }), markPaid(held));
    expect(outcomes.map(verdict)).toEqual(['reservation_not_found', 'ok']);
  });
});

describe('overlapping batches never wait in a circle (rule 8)', () => {
  // Held at the one in the middle, each batch has its first and waits; without one order each then wants the other's.
  test('seats wanted in opposite order', async () => {
    const show = await hall.show(3);
    const [blocker, first, second] = [hall.session(), hall.session(), hall.session()];
    await blocker.run('begin');
    await blocker.run(`select 1 from seat where performance_id = $1 and id = 'S-2' for update`, [show]);
    const wishes = () => ['S-1', 'S-2', 'S-3'].map((seat) => reserve(show, [seat]));
    const forward = first.handle(...wishes());
    await first.waits();
    const backward = second.handle(...wishes().toReversed());
    await second.waits();
    await blocker.commit();
    expect((await forward).map(verdict)).toEqual(['ok', 'ok', 'ok']);
    expect((await backward).map(verdict)).toEqual(Array.from({ length: 3 }, () => 'seat_unavailable'));
  });

  test('seats wanted in opposite order by one reservation each', async () => {
    const show = await hall.show(3);
    const [blocker, first, second] = [hall.session(), hall.session(), hall.session()];
    await blocker.run('begin');
    await blocker.run(`select 1 from seat where performance_id = $1 and id = 'S-2' for update`, [show]);
    const forward = first.handle(reserve(show, ['S-1', 'S-2', 'S-3']));
    await first.waits();
    const backward = second.handle(reserve(show, ['S-3', 'S-2', 'S-1']));
    await second.waits();
    await blocker.commit();
    expect([...(await forward), ...(await backward)].map(verdict)).toEqual(['ok', 'seat_unavailable']);
  });

  test('reservations claimed in opposite order', async () => {
    const show = await hall.show(3);
    const seats = ['S-1', 'S-2', 'S-3'];
    const held = await Promise.all(seats.map((seat) => hall.reserved(show, [seat])));
    const inOrder = held.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    const [blocker, first, second] = [hall.session(), hall.session(), hall.session()];
    await blocker.run('begin');
    await blocker.run('select 1 from reservation where id = $1 for update', [inOrder[1]?.id]);
    const forward = first.handle(...inOrder.map((one) => markPaid(one)));
    await first.waits();
    const backward = second.handle(...inOrder.toReversed().map((one) => markPaid(one)));
    await second.waits();
    await blocker.commit();
    expect((await forward).map(verdict)).toEqual(['ok', 'ok', 'ok']);
    expect((await backward).map(verdict)).toEqual(seats.map(() => 'payment_in_progress'));
  });

  test('performances whose changes are counted in opposite order', async () => {
    const shows = [await hall.show(2), await hall.show(2), await hall.show(2)].toSorted();
    const [blocker, first, second] = [hall.session(), hall.session(), hall.session()];
    await blocker.run('begin');
    await blocker.run('select 1 from performance where id = $1 for no key update', [shows[1]]);
    const forward = first.handle(...shows.map((show) => reserve(show, ['S-1'])));
    await first.waits();
    const backward = second.handle(...shows.toReversed().map((show) => reserve(show, ['S-2'])));
    await second.waits();
    await blocker.commit();
    expect((await Promise.all([forward, backward])).flat().every((outcome) => 'ok' in outcome)).toBe(true);
  });

  test('a confirmation and a reservation that touch two performances crosswise', async () => {
    const [a, b] = [await hall.show(2), await hall.show(2)];
    const paying = async (show: string) => {
      const held = await hall.reserved(show, ['S-1']);
      const saga = randomUUID();
      expect((await hall.session().handle(markPaid(held, saga))).map(verdict)).toEqual(['ok']);
      return confirmPaid(held, saga);
    };
    const [confirmA, confirmB] = [await paying(a), await paying(b)];
    const [holdsA, holdsB] = [hall.session(), hall.session()];
    const [first, second] = [hall.session(), hall.session()];
    for (const [blocker, show] of [
      [holdsA, a],
      [holdsB, b],
    ] as const) {
      await blocker.run('begin');
      await blocker.run('select 1 from performance where id = $1 for no key update', [show]);
    }
    // Without one order for both kinds each batch gets its confirmation's performance and waits for the other's.
    const crossed = first.handle(confirmB, reserve(a, ['S-2']));
    await first.waits();
    const crossing = second.handle(confirmA, reserve(b, ['S-2']));
    await second.waits();
    await holdsB.commit();
    await holdsA.commit();
    expect((await Promise.all([crossed, crossing])).flat().map(verdict)).toEqual(['ok', 'ok', 'ok', 'ok']);
  });
});

describe('a saga acts only on what it did (rule 9)', () => {
  test('two payments, one reservation: the undo of the second leaves the first one’s claim', async () => {
    const held = await hall.reserved(await hall.show(1), ['S-1']);
    const [first, second] = [randomUUID(), randomUUID()];
    const session = hall.session();
    expect((await session.handle(markPaid(held, first))).map(verdict)).toEqual(['ok']);
    expect((await session.handle(markPaid(held, second))).map(verdict)).toEqual(['payment_in_progress']);
    expect((await session.handle(markReserved(held, second))).map(verdict)).toEqual(['ok']);
    expect(await hall.reservation(held.id)).toMatchObject({ status: 'paying', payingSaga: first });
  });

  test('an undo whose action was never seen leaves another payment’s claim', async () => {
    const held = await hall.reserved(await hall.show(1), ['S-1']);
    const [first, second] = [randomUUID(), randomUUID()];
    const session = hall.session();
    await session.handle(markPaid(held, first));
    expect((await session.handle(markReserved(held, second))).map(verdict)).toEqual(['ok']);
    expect(await hall.reservation(held.id)).toMatchObject({ status: 'paying', payingSaga: first });
  });

  test('the row itself knows whose claim it is, whatever the journal says', async () => {
    const show = await hall.show(1);
    const held = await hall.reserved(show, ['S-1']);
    const [first, second] = [randomUUID(), randomUUID()];
    const session = hall.session();
    await session.handle(markPaid(held, first));
    await session.run(
      `select * from mark_reserved(array[row(1, $1::uuid, 'seats', 'undo', 'concert.mark-reserved', $2::jsonb)::command])`,
      [second, JSON.stringify({ reservationId: held.id })],
    );
    expect((await session.handle(confirmPaid(held, second))).map(verdict)).toEqual(['ok']);
    expect(await hall.reservation(held.id)).toMatchObject({ status: 'paying', payingSaga: first });
    expect(await hall.seats(show)).toEqual([`reserved ${held.id}`]);
  });

  test('an undo that overtakes its action leaves a mark, and the late action does nothing', async () => {
    const held = await hall.reserved(await hall.show(1), ['S-1']);
    const payment = randomUUID();
    const session = hall.session();
    expect((await session.handle(markReserved(held, payment))).map(verdict)).toEqual(['ok']);
    expect((await session.handle(markPaid(held, payment))).map(verdict)).toEqual(['timed_out']);
    expect(await hall.reservation(held.id)).toMatchObject({ status: 'reserved', payingSaga: null });
  });

  test('an action that overlaps its uncommitted undo does nothing', async () => {
    const held = await hall.reserved(await hall.show(1), ['S-1']);
    const payment = randomUUID();
    const [first, second] = [hall.session(), hall.session()];
    await first.handleOpen(markReserved(held, payment));
    const late = second.handle(markPaid(held, payment));
    await second.waits();
    await first.commit();
    expect((await late).map(verdict)).toEqual(['timed_out']);
    expect(await hall.reservation(held.id)).toMatchObject({ status: 'reserved', payingSaga: null });
  });
});

describe('while a payment runs (rule 10)', () => {
  test('of two payments that begin at once one is told of the other', async () => {
    const held = await hall.reserved(await hall.show(1), ['S-1']);
    const [first, second] = [hall.session(), hall.session()];
    const winner = markPaid(held);
    await first.handleOpen(winner);
    const loser = second.handle(markPaid(held));
    await second.waits();
    await first.commit();
    expect((await loser).map(verdict)).toEqual(['payment_in_progress']);
    expect(await hall.reservation(held.id)).toMatchObject({ status: 'paying', payingSaga: winner.saga });
  });

  test('of two payments in one batch the earlier one gets the reservation', async () => {
    const held = await hall.reserved(await hall.show(1), ['S-1']);
    const outcomes = await hall.session().handle(markPaid(held), markPaid(held));
    expect(outcomes.map(verdict)).toEqual(['ok', 'payment_in_progress']);
  });

  test('a cancellation that overlaps its uncommitted claim is told of it, and cancels nothing', async () => {
    const show = await hall.show(1);
    const held = await hall.reserved(show, ['S-1']);
    const [first, second] = [hall.session(), hall.session()];
    await first.handleOpen(markPaid(held));
    const cancelled = second.handle(cancel(held));
    await second.waits();
    await first.commit();
    expect((await cancelled).map(verdict)).toEqual(['payment_in_progress']);
    expect(await hall.reservation(held.id)).toMatchObject({ status: 'paying' });
    expect(await hall.seats(show)).toEqual([`reserved ${held.id}`]);
  });

  test('a hold that is claimed in its last moment is not ended by the clock', async () => {
    const show = await hall.show(1);
    const held = await hall.reserved(show, ['S-1']);
    await hall.database.query(
      `insert into lease (name, owner, fence, until) values ('expire-holds', 'test', 1, now()) on conflict do nothing`,
    );
    const [first, second] = [hall.session(), hall.session()];
    await hall.endsIn(held.id, -1);
    // As a payment leaves it that looked in time and commits late.
    await first.run('begin');
    await first.run(`update reservation set status = 'paying', paying_saga = $2 where id = $1`, [
      held.id,
      randomUUID(),
    ]);
    const ending = second.run('select expire_holds(1, 10) as ended');
    await second.waits();
    await first.commit();
    expect(await ending).toEqual([{ ended: 0 }]);
    expect(await hall.reservation(held.id)).toMatchObject({ status: 'paying' });
    expect(await hall.seats(show)).toEqual([`reserved ${held.id}`]);
  });

  test('its seats read reserved until the points are taken, and paid afterwards', async () => {
    const show = await hall.show(1);
    const held = await hall.reserved(show, ['S-1']);
    const payment = randomUUID();
    const session = hall.session();
    await session.handle(markPaid(held, payment));
    expect(await hall.seats(show)).toEqual([`reserved ${held.id}`]);
    await session.handle(confirmPaid(held, payment));
    expect(await hall.seats(show)).toEqual([`paid ${held.id}`]);
    expect(await hall.reservation(held.id)).toMatchObject({ status: 'paid', payingSaga: null });
  });
});

describe('the undo of a payment’s claim lengthens the hold to a minute, once (rule 12)', () => {
  const failedPayment = async (held: { id: string; userId: string }) => {
    const payment = randomUUID();
    const session = hall.session();
    expect((await session.handle(markPaid(held, payment))).map(verdict)).toEqual(['ok']);
    await hall.endsIn(held.id, 10);
    const undo = markReserved(held, payment);
    const outcomes = await session.handle(undo);
    // Asked again it gives the same answer and lengthens nothing.
    expect(await session.handle(undo)).toEqual(outcomes);
  };

  test('a second failed payment leaves the hold to its end', async () => {
    const held = await hall.reserved(await hall.show(1), ['S-1']);
    await failedPayment(held);
    expect((await hall.reservation(held.id)).secondsLeft).toBeGreaterThan(50);
    await failedPayment(held);
    expect((await hall.reservation(held.id)).secondsLeft).toBeLessThan(11);
  });

  test('a hold that lasts longer is not shortened and keeps its extension', async () => {
    const held = await hall.reserved(await hall.show(1), ['S-1']);
    const payment = randomUUID();
    await hall.session().handle(markPaid(held, payment));
    await hall.session().handle(markReserved(held, payment));
    const { secondsLeft, extended } = await hall.reservation(held.id);
    expect(secondsLeft).toBeGreaterThan(200);
    expect(extended).toBe(false);
  });
});
