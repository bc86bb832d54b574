import { gate, until } from '@tutti/kit/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { text } from '../support/client.ts';
import { openHouse, type House } from '../support/house.ts';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.stop());

test('an effect without a key is refused, and one with an unusable key', async () => {
  const fan = await house.fan();
  const headers = { 'idempotency-key': '' };
  expect((await fan.post('/api/v1/points/charges', { amount: 1 }, '', headers)).body).toMatchObject({
    status: 400,
    code: 'idempotency_key_invalid',
  });
  const bare = await fetch(`${house.address}/api/v1/points/charges`, {
    method: 'POST',
    headers: { authorization: `Bearer ${fan.accessToken}`, 'content-type': 'application/json' },
    body: '{"amount":1}',
  });
  expect(await bare.json()).toMatchObject({ status: 400, code: 'idempotency_key_missing' });
  for (const key of ['with space', 'x'.repeat(256), 'ключ'.normalize()]) {
    const encoded = Buffer.from(key).toString('latin1');
    expect((await fan.charge(1, encoded)).body).toMatchObject({
      status: 400,
      code: 'idempotency_key_invalid',
    });
  }
  expect(await fan.balance()).toBe(0);
  expect((await fan.charge(1, 'x'.repeat(255))).status).toBe(201);
});

test('the same request again is the same answer, byte for byte, and one effect', async () => {
  const fan = await house.fan();
  const first = await fan.charge(500, 'one-charge');
  const again = await fan.charge(500, 'one-charge');
  expect(first.status).toBe(201);
  expect(first.headers.get('idempotent-replayed')).toBeNull();
  expect(again.status).toBe(201);
  expect(again.text).toBe(first.text);
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect(again.headers.get('operation-location')).toBe(first.headers.get('operation-location'));
  expect(await fan.balance()).toBe(500);
});

test('the order of fields and white space in the body do not make another request', async () => {
  const show = await house.performance(2);
  const fan = await house.fan();
  const first = await fan.post('/api/v1/reservations', { performanceId: show, seatIds: ['S-1'] }, 'k');
  const again = await fan.post('/api/v1/reservations', { seatIds: ['S-1'], performanceId: show }, 'k');
  expect(first.status).toBe(201);
  expect(again.text).toBe(first.text);
});

test('the same key with another body, or for another reservation, is refused', async () => {
  const show = await house.performance(2);
  const fan = await house.fan(10_000);
  await fan.reserve(show, ['S-1'], 'k');
  expect((await fan.reserve(show, ['S-2'], 'k')).body).toMatchObject({
    status: 422,
    code: 'idempotency_key_reused',
  });
  const one = text((await fan.reserve(show, ['S-2'])).body, 'reservationId');
  expect((await fan.pay(one, 'p')).status).toBe(201);
  const other = '01890000-0000-7000-8000-000000000000';
  expect((await fan.pay(other, 'p')).body).toMatchObject({ status: 422, code: 'idempotency_key_reused' });
});

test('a key is a fan’s and a route’s own', async () => {
  const [one, two] = await house.fans(2);
  expect((await one?.charge(100, 'k'))?.status).toBe(201);
  const twos = await two?.charge(200, 'k');
  expect(twos?.status).toBe(201);
  expect(twos?.headers.get('idempotent-replayed')).toBeNull();
  expect(await two?.balance()).toBe(200);
  const show = await house.performance(1);
  expect((await one?.reserve(show, ['S-1'], 'k'))?.status).toBe(201);
});

test('a refusal is an answer: it is repeated, and a new key tries anew', async () => {
  const show = await house.performance(1, 900);
  const fan = await house.fan();
  const reservationId = text((await fan.reserve(show, ['S-1'])).body, 'reservationId');
  const refused = await fan.pay(reservationId, 'first');
  expect(refused.status).toBe(402);
  await fan.charge(900);
  const again = await fan.pay(reservationId, 'first');
  expect(again.status).toBe(402);
  expect(again.text).toBe(refused.text);
  expect(again.headers.get('content-type')).toBe(refused.headers.get('content-type'));
  expect((await fan.pay(reservationId, 'second')).status).toBe(201);
});

test('while the first is running the second is told where to look, and afterwards it gets the answer', async () => {
  const fan = await house.fan(0);
  await fan.charge(1);
  const hold = gate();
  const holding = house.databases.payment.transaction(async (tx) => {
    await tx.query('select 1 from wallet where user_id = $1 for update', [fan.userId]);
    await hold.pass();
  });
  await hold.reached;
  const first = fan.charge(100, 'k');
  await until('the saga is stored', async () => {
    const rows = await house.databases.orchestrator.query(`select 1 from saga where fan = $1 and key = 'k'`, [
      fan.userId,
    ]);
    return rows.length === 1;
  });
  const second = await fan.charge(100, 'k');
  expect(second.status).toBe(409);
  expect(second.body).toMatchObject({ code: 'idempotency_in_flight' });
  expect(second.headers.get('retry-after')).toMatch(/^\d+$/);
  expect(second.headers.get('location')).toBe(second.headers.get('operation-location'));
  hold.open();
  await holding;
  const answer = await first;
  expect(answer.status).toBe(201);
  expect(answer.headers.get('operation-location')).toBe(second.headers.get('location'));
  const third = await fan.charge(100, 'k');
  expect(third.text).toBe(answer.text);
  expect(await fan.balance()).toBe(101);
});

test('a fan who will not wait is told where to look as soon as it is stored; the same key brings the answer', async () => {
  const fan = await house.fan();
  await fan.charge(1);
  const hold = gate();
  const holding = house.databases.payment.transaction(async (tx) => {
    await tx.query('select 1 from wallet where user_id = $1 for update', [fan.userId]);
    await hold.pass();
  });
  await hold.reached;
  const early = await fan.post('/api/v1/points/charges', { amount: 5 }, 'k', { prefer: 'wait=0' });
  expect(early.status).toBe(202);
  expect(early.headers.get('location')).toBe(early.headers.get('operation-location'));
  hold.open();
  await holding;
  await until('the answer is there', async () => (await fan.charge(5, 'k')).status === 201);
  expect(await fan.balance()).toBe(6);
});

test('twenty of the same at once are one effect', async () => {
  const fan = await house.fan();
  const answers = await Promise.all(Array.from({ length: 20 }, () => fan.charge(10, 'k')));
  expect(answers.filter(({ status }) => status === 201).length).toBeGreaterThanOrEqual(1);
  for (const { status, body } of answers)
    if (status !== 201) expect(body).toMatchObject({ status: 409, code: 'idempotency_in_flight' });
  const bodies = new Set(answers.filter(({ status }) => status === 201).map((answer) => answer.text));
  expect(bodies.size).toBe(1);
  expect(await fan.balance()).toBe(10);
});

test('a request that is not valid leaves its key unused', async () => {
  const fan = await house.fan();
  expect((await fan.charge(-5, 'k')).body).toMatchObject({
    code: 'invalid_request',
    errors: [{ pointer: '/amount' }],
  });
  expect((await fan.charge(5, 'k')).status).toBe(201);
});

test('after a restart the same key still brings the same bytes', async () => {
  const show = await house.performance(1);
  const fan = await house.fan(100);
  const reserved = await fan.reserve(show, ['S-1'], 'r');
  const refused = await fan.pay(text(reserved.body, 'reservationId'), 'p');
  await house.restart();
  const back = fan.at(house.address);
  const again = await back.reserve(show, ['S-1'], 'r');
  expect(again.text).toBe(reserved.text);
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  const refusedAgain = await back.pay(text(reserved.body, 'reservationId'), 'p');
  expect(refusedAgain.status).toBe(402);
  expect(refusedAgain.text).toBe(refused.text);
});
