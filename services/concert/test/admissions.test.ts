import type { AdmissionQuestion } from '@tutti/contracts';
import { InProcessBus } from '@tutti/kit/messaging';
import { createLog } from '@tutti/kit/service';
import { rowsRead } from '@tutti/kit/testing';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startConcert } from '../src/main.ts';
import { SaleStore } from '../src/sale-store.ts';
import { confirmPaid, markPaid, openHall, reserve, verdict, type Hall } from './hall.fixture.ts';

const log = createLog('silent');
let hall: Hall;
let store: SaleStore;
beforeAll(async () => {
  hall = await openHall();
  store = new SaleStore(hall.database);
});
afterAll(() => hall.close());

/** A show whose concert has a waiting room; both have this id. */
async function guardedShow(seats = 10): Promise<string> {
  const show = await hall.show(seats);
  await hall.database.query('update concert set inside = 5, pace = 5, guarded_since = now() where id = $1', [
    show,
  ]);
  return show;
}

const admissionOf = (concertId: string, userId: string, generation = 1, since = 1) => ({
  concertId,
  userId,
  number: 1,
  generation,
  since,
});
const asked = (
  concertId: string,
  userId: string,
  more: Partial<AdmissionQuestion> = {},
): AdmissionQuestion => ({
  ...admissionOf(concertId, userId),
  mayEnd: false,
  ...more,
});

function reserveBy(show: string, seat: string, userId: string, generation = 1) {
  const command = reserve(show, [seat], { userId });
  const admission = { concertId: show, number: 1, generation };
  return { ...command, body: { ...Object(command.body), admission } };
}

test('a visit does not end beside a reservation that is being made by it', async () => {
  const [show, userId] = [await guardedShow(), randomUUID()];
  expect(await store.recordAdmissions([admissionOf(show, userId)])).toEqual([true]);
  const [reserving, settling] = [hall.session(), hall.session()];
  expect((await reserving.handleOpen(reserveBy(show, 'S-1', userId))).map(verdict)).toEqual(['ok']);
  const question = JSON.stringify([{ ord: 1, ...asked(show, userId, { mayEnd: true }) }]);
  const settled = settling.connection.query('select state from settle_admissions($1)', [question]);
  await settling.waits();
  await reserving.commit();
  expect(await settled).toEqual([{ state: 'holding' }]);
});

test('what has ended reserves nothing, and a late record does not bring it back', async () => {
  const [show, userId, unrecorded] = [await guardedShow(), randomUUID(), randomUUID()];
  await store.recordAdmissions([admissionOf(show, userId)]);
  expect(await store.settleAdmissions([asked(show, userId)])).toEqual(['inside']);
  expect(await store.settleAdmissions([asked(show, userId, { mayEnd: true })])).toEqual(['over']);
  const session = hall.session();
  const refused = await session.handle(reserveBy(show, 'S-1', userId));
  expect(refused.map(verdict)).toEqual(['admission_expired']);
  expect(await store.recordAdmissions([admissionOf(show, userId)])).toEqual([false]);
  expect(await store.recordAdmissions([admissionOf(show, userId, 2, 1)])).toEqual([false]);
  // Another visit is another matter.
  expect(await store.recordAdmissions([admissionOf(show, userId, 3, 3)])).toEqual([true]);
  expect((await session.handle(reserveBy(show, 'S-1', userId, 3))).map(verdict)).toEqual(['ok']);
  // Given up before its record came: nobody gets that token.
  expect(await store.settleAdmissions([asked(show, unrecorded, { mayEnd: true })])).toEqual(['over']);
  expect(await store.recordAdmissions([admissionOf(show, unrecorded)])).toEqual([false]);
});

test('a second visit that was never recorded ends like any other, though the first one has ended before', async () => {
  const [show, userId] = [await guardedShow(), randomUUID()];
  await store.recordAdmissions([admissionOf(show, userId)]);
  expect(await store.settleAdmissions([asked(show, userId, { mayEnd: true })])).toEqual(['over']);
  const second = { generation: 2, since: 2 };
  expect(await store.settleAdmissions([asked(show, userId, second)])).toEqual(['inside']);
  expect(await store.settleAdmissions([asked(show, userId, { ...second, mayEnd: true })])).toEqual(['over']);
  expect(await store.recordAdmissions([admissionOf(show, userId, 2, 2)])).toEqual([false]);
});

test('a payment uses up every token of the visit, and the visit is over when nothing more is held', async () => {
  const [show, userId] = [await guardedShow(), randomUUID()];
  const session = hall.session();
  await store.recordAdmissions([admissionOf(show, userId)]);
  const commands = [reserveBy(show, 'S-1', userId), reserveBy(show, 'S-2', userId)];
  for (const command of commands) expect((await session.handle(command)).map(verdict)).toEqual(['ok']);
  const [one, two] = commands.map(({ saga }) => ({ id: saga, userId }));
  if (!one || !two) throw new Error('There are two reservations.');
  const pay = async (hold: { id: string; userId: string }) => {
    const saga = randomUUID();
    await session.handle(markPaid(hold, saga));
    await session.handle(confirmPaid(hold, saga));
  };
  await pay(one);
  expect((await session.handle(reserveBy(show, 'S-3', userId))).map(verdict)).toEqual(['admission_expired']);
  expect(await store.recordAdmissions([admissionOf(show, userId, 2, 1)])).toEqual([false]);
  expect((await session.handle(reserveBy(show, 'S-3', userId, 2))).map(verdict)).toEqual([
    'admission_expired',
  ]);
  expect(await store.settleAdmissions([asked(show, userId, { generation: 2 })])).toEqual(['holding']);
  await pay(two);
  expect(await store.settleAdmissions([asked(show, userId, { generation: 2 })])).toEqual(['over']);
});

test('in one batch each command stands by its own admission', async () => {
  const [show, other, open] = [await guardedShow(), await guardedShow(), await hall.show(3)];
  const [good, foreign, none] = [randomUUID(), randomUUID(), randomUUID()];
  await store.recordAdmissions([admissionOf(show, good), admissionOf(other, foreign)]);
  const outcomes = await hall.session().handle(
    reserveBy(show, 'S-1', good),
    {
      ...reserveBy(other, 'S-2', foreign),
      body: { ...Object(reserveBy(other, 'S-2', foreign).body), performanceId: show },
    },
    reserve(show, ['S-3'], { userId: none }),
    reserve(open, ['S-1'], { userId: none }),
  );
  expect(outcomes.map(verdict)).toEqual(['ok', 'admission_invalid', 'admission_required', 'ok']);
});

test('the lines and the promoter are answered while a crowd that reads has every connection there is for it', async () => {
  const [show, userId] = [await guardedShow(), randomUUID()];
  const service = await startConcert({
    bus: new InProcessBus(),
    connection: hall.connection,
    log,
    holdSeconds: 300,
  });
  const reading = hall.session();
  await reading.run('begin');
  await reading.run('lock table seat in access exclusive mode');
  let over = 0;
  const crowd = Array.from({ length: 20 }, () =>
    service.queries.performances(show, 10, null).finally(() => over++),
  );
  const settled = Promise.allSettled(crowd);
  try {
    const { sales } = service;
    expect(await sales.recordAdmissions([admissionOf(show, userId)])).toEqual([true]);
    expect(await sales.settleAdmissions([asked(show, userId)])).toEqual(['inside']);
    const change = { state: 'paused', reason: 'a wrong price' } as const;
    expect(await sales.changeSale(show, userId, change)).toMatchObject({ state: 'paused' });
    expect(over).toBe(0);
  } finally {
    await reading.commit();
    await settled;
    await service.stop();
  }
  expect((await settled).filter(({ status }) => status === 'rejected')).toEqual([]);
});

const many = 20_000;

test('plans that were made on empty tables look up the admissions that are named when there are many', async () => {
  const show = await guardedShow(100);
  await hall.database.query('vacuum (analyze)');
  const session = hall.session();
  const query = (sql: string, values: readonly object[]) =>
    session.connection.query(sql, [JSON.stringify(values.map((one, at) => ({ ord: at + 1, ...one })))], sql);
  const live = async (from: number): Promise<void> => {
    const fans = [0, 1, 2].map(() => randomUUID());
    await query(
      'select * from record_admissions($1)',
      fans.map((fan) => admissionOf(show, fan)),
    );
    const commands = fans.map((fan, at) => reserveBy(show, `S-${from + at}`, fan));
    expect((await session.handle(...commands)).map(verdict)).toEqual(['ok', 'ok', 'ok']);
    await query(
      'select * from settle_admissions($1)',
      fans.map((fan) => asked(show, fan, { mayEnd: true })),
    );
  };
  for (let time = 0; time < 8; time++) await live(1 + time * 3);
  await hall.database.query(
    `insert into admission (concert_id, user_id, number, generation, since)
     select $1, gen_random_uuid(), n, 1, 1 from generate_series(1, $2) n`,
    [show, many],
  );
  await hall.show(many, 'full-of-admissions');
  await hall.database.query(
    `insert into reservation (id, performance_id, user_id, status, seat_ids, seats, amount, expires_at)
     select gen_random_uuid(), 'full-of-admissions', gen_random_uuid(), 'reserved', array['S-' || n], '[]', 1000, now() + interval '5 minutes'
     from generate_series(1, $1) n`,
    [many],
  );
  expect(await rowsRead(session.connection, () => live(60))).toBeLessThan(many / 10);
});
