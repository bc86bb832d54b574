import { afterAll, beforeAll, expect, test } from 'vitest';
import { text, type Reply } from '../support/client.ts';
import { openHouse, type House } from '../support/house.ts';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.stop());

const count = (replies: readonly Reply[], status: number): number =>
  replies.filter((reply) => reply.status === status).length;

test('200 fans race for 20 seats: 20 win, 180 are refused, all are answered within the fan’s patience', async () => {
  const show = await house.performance(20);
  const fans = await house.fans(200);
  // A request gives up after 30 s (see Fan); the wait budget of 10 s would answer 202, which is neither of the two below.
  const replies = await Promise.all(fans.map((fan, n) => fan.reserve(show, [`S-${(n % 20) + 1}`])));
  expect(count(replies, 201)).toBe(20);
  expect(count(replies, 409)).toBe(180);
  for (const { status, body } of replies)
    if (status === 409) expect(body).toMatchObject({ code: 'seat_unavailable' });
  const [row] = await house.databases.concert.query<{ seats: number; reservations: number }>(
    `select (select count(*) from seat where performance_id = $1 and status = 'reserved') as seats,
            (select count(*) from reservation where performance_id = $1) as reservations`,
    [show],
  );
  expect(row).toEqual({ seats: 20, reservations: 20 });
});

test('50 payments at once from one wallet that can afford one: one is paid, the other seats stay reserved', async () => {
  const show = await house.performance(50, 1_000);
  const fans = await house.fans(50);
  const reservations = await Promise.all(fans.map((fan, n) => fan.reserve(show, [`S-${n + 1}`])));
  const payer = await house.fan(1_500);
  // One fan may hold six seats; the race is about the wallet, so the reservations are handed to one fan.
  await house.databases.concert.query('update reservation set user_id = $2 where performance_id = $1', [
    show,
    payer.userId,
  ]);
  const paid = await Promise.all(reservations.map(({ body }) => payer.pay(text(body, 'reservationId'))));
  expect(count(paid, 201)).toBe(1);
  expect(count(paid, 402)).toBe(49);
  expect(await payer.balance()).toBe(500);
  const rows = await house.databases.concert.query<{ status: string; count: number }>(
    'select status, count(*) from reservation where performance_id = $1 group by status order by status',
    [show],
  );
  expect(rows).toEqual([
    { status: 'paid', count: 1 },
    { status: 'reserved', count: 49 },
  ]);
  const payments = await house.databases.payment.query('select 1 from payment where user_id = $1', [
    payer.userId,
  ]);
  expect(payments).toHaveLength(1);
});

test('50 payments of one reservation at once take its points once', async () => {
  const show = await house.performance(1, 1_000);
  const fan = await house.fan(100_000);
  const reservationId = text((await fan.reserve(show, ['S-1'])).body, 'reservationId');
  const replies = await Promise.all(Array.from({ length: 50 }, () => fan.pay(reservationId)));
  expect(count(replies, 201)).toBe(1);
  expect(count(replies, 409)).toBe(49);
  expect(await fan.balance()).toBe(99_000);
});

test('overlapping reservations of several seats never half succeed and are all answered', async () => {
  const show = await house.performance(30);
  const fans = await house.fans(120);
  const wishes = fans.map((_, n) => {
    const first = (n * 7) % 30;
    // Forwards and backwards, so that a lock order taken from the request would meet itself.
    const seats = [0, 1, 2, 3].map((step) => `S-${((first + step) % 30) + 1}`);
    return n % 2 === 0 ? seats : seats.toReversed();
  });
  const replies = await Promise.all(fans.map((fan, n) => fan.reserve(show, wishes[n] ?? [])));
  expect(count(replies, 201) + count(replies, 409)).toBe(120);
  expect(count(replies, 201)).toBeGreaterThanOrEqual(4);
  const halves = await house.databases.concert.query(
    `select r.id from reservation r left join seat s on s.reservation_id = r.id
     where r.performance_id = $1 group by r.id having count(s.id) <> 4`,
    [show],
  );
  expect(halves).toEqual([]);
  const [held] = await house.databases.concert.query<{ held: number }>(
    `select count(*) as held from seat where performance_id = $1 and status = 'reserved'`,
    [show],
  );
  expect(held?.held).toBe(count(replies, 201) * 4);
});

test('one fan with many requests at once does not get a seventh seat', async () => {
  const show = await house.performance(12);
  const fan = await house.fan();
  const replies = await Promise.all(Array.from({ length: 12 }, (_, n) => fan.reserve(show, [`S-${n + 1}`])));
  expect(count(replies, 201)).toBe(6);
  for (const { status, body } of replies)
    if (status !== 201) expect(body).toMatchObject({ code: 'seat_limit_exceeded' });
});
