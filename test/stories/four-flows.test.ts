import { until } from '@tutti/kit/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { field, list, request, text } from '../support/client.ts';
import { openHouse, type House } from '../support/house.ts';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.stop());

const seatStatuses = async (performanceId: string): Promise<unknown[]> => {
  const { body } = await request(house.address, 'GET', `/api/v1/performances/${performanceId}/seats`);
  return list(body, 'seats').map((seat) => field(seat, 'status'));
};

test('a fan reserves seats and they are held for nobody else', async () => {
  const show = await house.performance(3);
  const fan = await house.fan();
  const reserved = await fan.reserve(show, ['S-1', 'S-2']);
  expect(reserved.status).toBe(201);
  expect(reserved.body).toMatchObject({
    status: 'reserved',
    performanceId: show,
    amount: 2_000,
    seats: [
      { seatId: 'S-1', label: 'Seat 1', price: 1_000 },
      { seatId: 'S-2', label: 'Seat 2', price: 1_000 },
    ],
  });
  expect(Date.parse(text(reserved.body, 'expiresAt'))).toBeGreaterThan(Date.now() + 290_000);
  expect(reserved.headers.get('operation-location')).toMatch(/^\/api\/v1\/operations\/[0-9a-f-]{36}$/);
  expect(await seatStatuses(show)).toEqual(['reserved', 'reserved', 'available']);
  const read = await fan.get(`/api/v1/reservations/${text(reserved.body, 'reservationId')}`);
  expect(read.body).toEqual(reserved.body);
});

test('a taken seat is refused with the seats that are taken, and nothing else is held', async () => {
  const show = await house.performance(3);
  const [first, second] = await house.fans(2);
  await first?.reserve(show, ['S-2']);
  const refused = await second?.reserve(show, ['S-1', 'S-2', 'S-3']);
  expect(refused?.status).toBe(409);
  expect(refused?.headers.get('content-type')).toContain('application/problem+json');
  expect(refused?.body).toMatchObject({ code: 'seat_unavailable', status: 409, seatIds: ['S-2'] });
  expect(await seatStatuses(show)).toEqual(['available', 'reserved', 'available']);
});

test('a fan pays: points are taken, seats are paid and the partner is told, signed', async () => {
  const show = await house.performance(2, 700);
  const fan = await house.fan(2_000);
  const reservationId = text((await fan.reserve(show, ['S-1', 'S-2'])).body, 'reservationId');
  const paid = await fan.pay(reservationId);
  expect(paid.status).toBe(201);
  expect(paid.body).toMatchObject({ reservationId, status: 'paid', amount: 1_400, balance: 600 });
  expect(await seatStatuses(show)).toEqual(['paid', 'paid']);
  expect((await fan.get(`/api/v1/reservations/${reservationId}`)).body).toMatchObject({ status: 'paid' });
  expect(await fan.balance()).toBe(600);
  const ledger = list((await fan.get('/api/v1/points/entries')).body, 'items');
  expect(ledger).toMatchObject([
    { type: 'payment', amount: -1_400, balanceAfter: 600, reservationId },
    { type: 'charge', amount: 2_000, balanceAfter: 2_000 },
  ]);
  let got: unknown[] = [];
  await until('the partner has the delivery', async () => {
    const { body } = await request(house.address, 'GET', `/partner-stub?reservationId=${reservationId}`);
    got = list(body, 'items');
    return got.length > 0;
  });
  expect(got).toMatchObject([
    {
      // At least once: where two processes deliver, each may have been asked for it.
      times: inject('form') === 'embedded' ? 1 : expect.any(Number),
      body: { type: 'reservation.paid', reservationId, performanceId: show, amount: 1_400, version: 3 },
    },
  ]);
});

test('too few points: refused, the seats are still this fan’s, and paying after a charge works', async () => {
  const show = await house.performance(1, 5_000);
  const fan = await house.fan(100);
  const reservationId = text((await fan.reserve(show, ['S-1'])).body, 'reservationId');
  const refused = await fan.pay(reservationId);
  expect(refused.status).toBe(402);
  expect(refused.body).toMatchObject({ code: 'insufficient_points', balance: 100, amount: 5_000 });
  expect(Date.parse(text(refused.body, 'expiresAt'))).toBeGreaterThanOrEqual(Date.now() + 59_000);
  expect(await fan.balance()).toBe(100);
  expect((await fan.get(`/api/v1/reservations/${reservationId}`)).body).toMatchObject({ status: 'reserved' });
  await fan.charge(4_900);
  expect((await fan.pay(reservationId)).body).toMatchObject({ status: 'paid', balance: 0 });
});

test('a hold about to end is lengthened to a minute by a failed payment, once', async () => {
  const show = await house.performance(1, 5_000);
  const fan = await house.fan(100);
  const reservationId = text((await fan.reserve(show, ['S-1'])).body, 'reservationId');
  const endSoon = () =>
    house.databases.concert.query(
      `update reservation set expires_at = now() + interval '10 seconds' where id = $1`,
      [reservationId],
    );
  await endSoon();
  const first = await fan.pay(reservationId);
  expect(Date.parse(text(first.body, 'expiresAt'))).toBeGreaterThanOrEqual(Date.now() + 55_000);
  await endSoon();
  const second = await fan.pay(reservationId);
  expect(second.status).toBe(402);
  expect(Date.parse(text(second.body, 'expiresAt'))).toBeLessThan(Date.now() + 11_000);
});

test('a reservation is another fan’s secret: paying and reading it is 404', async () => {
  const show = await house.performance(1);
  const [owner, stranger] = await house.fans(2);
  const reservationId = text((await owner?.reserve(show, ['S-1']))?.body, 'reservationId');
  expect((await stranger?.pay(reservationId))?.body).toMatchObject({
    status: 404,
    code: 'reservation_not_found',
  });
  expect((await stranger?.get(`/api/v1/reservations/${reservationId}`))?.status).toBe(404);
});

test('a paid reservation cannot be paid again', async () => {
  const show = await house.performance(1);
  const fan = await house.fan(5_000);
  const reservationId = text((await fan.reserve(show, ['S-1'])).body, 'reservationId');
  expect((await fan.pay(reservationId)).status).toBe(201);
  expect((await fan.pay(reservationId)).body).toMatchObject({ status: 409, code: 'already_paid' });
  expect(await fan.balance()).toBe(4_000);
});

test('an ended hold cannot be paid', async () => {
  const show = await house.performance(1);
  const fan = await house.fan(5_000);
  const reservationId = text((await fan.reserve(show, ['S-1'])).body, 'reservationId');
  await house.databases.concert.query(`update reservation set expires_at = now() where id = $1`, [
    reservationId,
  ]);
  expect((await fan.pay(reservationId)).body).toMatchObject({ status: 409, code: 'reservation_expired' });
});

test('seven seats are refused, at once or one after the other', async () => {
  const show = await house.performance(8);
  const fan = await house.fan();
  const seven = await fan.reserve(show, ['S-1', 'S-2', 'S-3', 'S-4', 'S-5', 'S-6', 'S-7']);
  expect(seven.body).toMatchObject({ status: 400, code: 'invalid_request' });
  expect((await fan.reserve(show, ['S-1', 'S-2', 'S-3', 'S-4'])).status).toBe(201);
  expect((await fan.reserve(show, ['S-5', 'S-6', 'S-7'])).body).toMatchObject({
    code: 'seat_limit_exceeded',
    limit: 6,
    held: 4,
  });
  expect((await fan.reserve(show, ['S-5', 'S-6'])).status).toBe(201);
});

test('what does not exist or is not on sale is refused with its own code', async () => {
  const show = await house.performance(2);
  const fan = await house.fan();
  expect((await fan.reserve('nowhere', ['S-1'])).body).toMatchObject({
    status: 404,
    code: 'performance_not_found',
  });
  expect((await fan.reserve(show, ['S-1', 'S-99'])).body).toMatchObject({
    code: 'seat_not_found',
    seatIds: ['S-99'],
  });
  await house.databases.concert.query(`update concert set sale_state = 'closed' where id = $1`, [show]);
  expect((await fan.reserve(show, ['S-1'])).body).toMatchObject({ status: 409, code: 'sale_closed' });
  await house.databases.concert.query(
    `update concert set sale_state = 'open', on_sale_at = '2099-01-01T00:00:00Z' where id = $1`,
    [show],
  );
  expect((await fan.reserve(show, ['S-1'])).body).toMatchObject({
    code: 'sale_not_open',
    opensAt: '2099-01-01T00:00:00.000Z',
  });
});

test('an account that is gone is told so by any saga', async () => {
  const show = await house.performance(1);
  const fan = await house.fan();
  // Gone for so long that no gateway lists its sessions as ended: the look-up of the saga is what finds out.
  await house.databases.user.query(
    `update account set name = null, email = null, password_hash = null, deleted_at = '2000-01-01' where id = $1`,
    [fan.userId],
  );
  expect((await fan.reserve(show, ['S-1'])).body).toMatchObject({ status: 401, code: 'user_not_found' });
  expect((await fan.charge(100)).body).toMatchObject({ status: 401, code: 'user_not_found' });
});
