import { gate, until } from '@tutti/kit/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { field, list, request, text, type Fan } from '../support/client.ts';
import { openHouse, type House } from '../support/house.ts';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.stop());

const statusOf = async (fan: Fan, reservationId: string): Promise<unknown> =>
  field((await fan.get(`/api/v1/reservations/${reservationId}`)).body, 'status');

const cancel = (fan: Fan, reservationId: string, key?: string) =>
  fan.post(`/api/v1/reservations/${reservationId}/cancellation`, undefined, key);

const reserve = async (fan: Fan, show: string, seats = ['S-1']): Promise<string> =>
  text((await fan.reserve(show, seats)).body, 'reservationId');

const runOut = (reservationId: string) =>
  house.databases.concert.query('update reservation set expires_at = now() where id = $1', [reservationId]);

const toldToPartner = async (reservationId: string): Promise<unknown[]> =>
  list((await request(house.address, 'GET', `/partner-stub?reservationId=${reservationId}`)).body, 'items');

/** Holds a fan's wallet, so that what needs it waits until `open`. */
async function holdWallet(fan: Fan): Promise<() => Promise<void>> {
  const hold = gate();
  const holding = house.databases.payment.transaction(async (tx) => {
    await tx.query('select 1 from wallet where user_id = $1 for update', [fan.userId]);
    await hold.pass();
  });
  await hold.reached;
  return () => {
    hold.open();
    return holding;
  };
}

test('a hold that runs out ends by itself and its seats are free for others', async () => {
  const show = await house.performance(1);
  const [fan, other] = [await house.fan(), await house.fan()];
  const reservationId = await reserve(fan, show);
  expect((await other.reserve(show, ['S-1'])).status).toBe(409);
  await runOut(reservationId);
  await until('the hold has ended', async () => (await statusOf(fan, reservationId)) === 'expired', 5_000);
  expect((await other.reserve(show, ['S-1'])).status).toBe(201);
  expect((await cancel(fan, reservationId)).body).toMatchObject({ status: 409, code: 'reservation_expired' });
});

test('while a payment runs its hold cannot end, nor be cancelled or paid again', async () => {
  const show = await house.performance(1);
  const fan = await house.fan(5_000);
  const reservationId = await reserve(fan, show);
  const release = await holdWallet(fan);
  const paying = fan.pay(reservationId);
  await until('the reservation is being paid', async () => (await statusOf(fan, reservationId)) === 'paying');
  await runOut(reservationId);
  const [lease] = await house.databases.concert.query<{ fence: number }>('select fence from lease');
  const [ended] = await house.databases.concert.query<{ ended: number }>(
    'select expire_holds($1, 100) as ended',
    [lease?.fence],
  );
  expect(ended?.ended).toBe(0);
  expect((await cancel(fan, reservationId)).body).toMatchObject({ status: 409, code: 'payment_in_progress' });
  expect((await fan.pay(reservationId)).body).toMatchObject({ status: 409, code: 'payment_in_progress' });
  const { body } = await request(house.address, 'GET', `/api/v1/performances/${show}/seats`);
  expect(list(body, 'seats')).toMatchObject([{ status: 'reserved' }]);
  await release();
  expect((await paying).status).toBe(201);
  expect(await statusOf(fan, reservationId)).toBe('paid');
});

test('cancelling an unpaid reservation frees its seats and returns nothing', async () => {
  const show = await house.performance(2);
  const fan = await house.fan(1_000);
  const reservationId = await reserve(fan, show, ['S-1', 'S-2']);
  const cancelled = await cancel(fan, reservationId);
  expect(cancelled.status).toBe(200);
  expect(cancelled.body).toMatchObject({ reservationId, status: 'cancelled', returned: 0, amount: 2_000 });
  expect(await fan.balance()).toBe(1_000);
  expect((await fan.reserve(show, ['S-1', 'S-2'])).status).toBe(201);
  expect((await fan.pay(reservationId)).body).toMatchObject({ status: 409, code: 'reservation_cancelled' });
});

test('cancelling a paid reservation gives the points back once and tells the partner once', async () => {
  const show = await house.performance(1, 700);
  const fan = await house.fan(1_000);
  const reservationId = await reserve(fan, show);
  await fan.pay(reservationId);
  const first = await cancel(fan, reservationId, 'c1');
  expect(first.body).toMatchObject({ status: 'cancelled', returned: 700 });
  const [replayed, anew] = [await cancel(fan, reservationId, 'c1'), await cancel(fan, reservationId, 'c2')];
  expect(replayed.text).toBe(first.text);
  expect(anew.status).toBe(200);
  expect(anew.body).toMatchObject({ status: 'cancelled', returned: 700 });
  expect(await fan.balance()).toBe(1_000);
  expect(list((await fan.get('/api/v1/points/entries')).body, 'items')).toMatchObject([
    { type: 'return', amount: 700, balanceAfter: 1_000, reservationId },
    { type: 'payment', amount: -700 },
    { type: 'charge' },
  ]);
  await until('the partner knows of both', async () => (await toldToPartner(reservationId)).length === 2);
  const told = (await toldToPartner(reservationId)).map((item) => field(item, 'body'));
  expect(told).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ type: 'reservation.paid', version: 3 }),
      expect.objectContaining({ type: 'reservation.cancelled', version: 4 }),
    ]),
  );
});

test('thirty cancellations at once return the points once', async () => {
  const show = await house.performance(1, 700);
  const fan = await house.fan(1_000);
  const reservationId = await reserve(fan, show);
  await fan.pay(reservationId);
  const replies = await Promise.all(Array.from({ length: 30 }, () => cancel(fan, reservationId)));
  for (const { status, body } of replies) {
    expect(status).toBe(200);
    expect(body).toMatchObject({ returned: 700 });
  }
  expect(await fan.balance()).toBe(1_000);
});

test('a payment and a cancellation that race end one way: paid and whole, or cancelled and whole', async () => {
  const fan = await house.fan(100_000);
  for (let round = 0; round < 15; round++) {
    const show = await house.performance(1, 1_000);
    const before = await fan.balance();
    const reservationId = await reserve(fan, show);
    const [paid, cancelled] = await Promise.all([fan.pay(reservationId), cancel(fan, reservationId)]);
    const status = await statusOf(fan, reservationId);
    const after = Number(await fan.balance());
    if (cancelled.status === 200) {
      expect(status).toBe('cancelled');
      expect(after).toBe(before);
    } else {
      expect(cancelled.body).toMatchObject({ code: 'payment_in_progress' });
      expect(paid.status).toBe(201);
      expect(status).toBe('paid');
      expect(after).toBe(Number(before) - 1_000);
    }
  }
});

test('another fan’s reservation cannot be cancelled, and one of a performance that began stays', async () => {
  const show = await house.performance(1);
  const [fan, stranger] = [await house.fan(5_000), await house.fan()];
  const reservationId = await reserve(fan, show);
  expect((await cancel(stranger, reservationId)).body).toMatchObject({
    status: 404,
    code: 'reservation_not_found',
  });
  await fan.pay(reservationId);
  await house.databases.concert.query('update performance set starts_at = now() where id = $1', [show]);
  expect((await cancel(fan, reservationId)).body).toMatchObject({ status: 409, code: 'cancellation_closed' });
});

test('an operation tells its fan, and nobody else, what became of every step', async () => {
  const show = await house.performance(1, 900);
  const [fan, stranger] = [await house.fan(), await house.fan()];
  const reservationId = await reserve(fan, show);
  const refused = await fan.pay(reservationId);
  const path = refused.headers.get('operation-location') ?? '';
  const operation = await fan.get(path);
  expect(operation.body).toMatchObject({
    saga: 'pay-reservation',
    status: 'failed',
    code: 'insufficient_points',
    steps: [
      { name: 'user', status: 'ok' },
      { name: 'seats', status: 'undone' },
      { name: 'points', status: 'refused' },
      { name: 'confirmation', status: 'pending', startedAt: null, endedAt: null },
      { name: 'delivery', status: 'pending' },
    ],
  });
  expect((await stranger.get(path)).status).toBe(404);
  const release = await holdWallet(fan);
  const waiting = fan.post('/api/v1/points/charges', { amount: 1 }, 'k', { prefer: 'wait=1' });
  const location = (await waiting).headers.get('location') ?? '';
  const shown = async () => (await fan.get(location)).body;
  await until(
    'the second step runs',
    async () => field(list(await shown(), 'steps')[1], 'status') === 'running',
  );
  expect(await shown()).toMatchObject({
    status: 'running',
    steps: [{ status: 'ok' }, { status: 'running' }],
  });
  await release();
  await until('it has succeeded', async () => field(await shown(), 'status') === 'succeeded');
});

test('what operators see is for operators', async () => {
  const fan = await house.fan();
  expect((await fan.get('/api/v1/admin/operations?status=stuck')).body).toMatchObject({
    status: 403,
    code: 'role_required',
  });
});

test('an account is deleted with its password, but not while it has reservations', async () => {
  const email = 'leaving@fans.example';
  const post = (path: string, body: object) => request(house.address, 'POST', `/api/v1${path}`, { body });
  await post('/users', { name: 'Leaving', email, password: 'a long password' });
  const session = (await post('/sessions', { email, password: 'a long password' })).body;
  const authorization = `Bearer ${text(session, 'accessToken')}`;
  const remove = (password: string) =>
    request(house.address, 'DELETE', '/api/v1/users/me', { headers: { authorization }, body: { password } });
  const show = await house.performance(1);
  const reserved = await request(house.address, 'POST', '/api/v1/reservations', {
    headers: { authorization, 'idempotency-key': 'k' },
    body: { performanceId: show, seatIds: ['S-1'] },
  });
  expect((await remove('a long password')).body).toMatchObject({
    status: 409,
    code: 'account_has_reservations',
  });
  await request(
    house.address,
    'POST',
    `/api/v1/reservations/${text(reserved.body, 'reservationId')}/cancellation`,
    {
      headers: { authorization, 'idempotency-key': 'k' },
    },
  );
  expect((await remove('another password')).body).toMatchObject({ status: 401, code: 'invalid_credentials' });
  expect((await remove('a long password')).status).toBe(204);
  const me = await request(house.address, 'GET', '/api/v1/users/me', { headers: { authorization } });
  expect(me.status).toBe(401);
  expect((await post('/sessions', { email, password: 'a long password' })).status).toBe(401);
  const rows = await house.databases.user.query('select 1 from account where email = $1 or name = $2', [
    email,
    'Leaving',
  ]);
  expect(rows).toEqual([]);
  expect((await post('/users', { name: 'New', email, password: 'a long password' })).status).toBe(201);
});
