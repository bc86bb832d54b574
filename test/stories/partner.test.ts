import { WebhookSigner } from '@tutti/partner';
import { until } from '@tutti/kit/testing';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { field, list, request, text, type Fan } from '../support/client.ts';
import { openHouse, type House } from '../support/house.ts';

/** The promoter's own system: remembers what it was sent and answers as it is told to. */
type Received = { headers: IncomingHttpHeaders; body: string };
let received: Received[] = [];
let answer: 'takes' | 'refuses' | 'never' = 'takes';
let remote: Server;
let house: House;
const secret = `whsec_${Buffer.from('a secret that both sides know').toString('base64')}`;

beforeAll(async () => {
  remote = createServer((incoming, outgoing) => {
    const parts: Buffer[] = [];
    incoming.on('data', (part: Buffer) => parts.push(part));
    incoming.on('end', () => {
      received.push({ headers: incoming.headers, body: Buffer.concat(parts).toString() });
      if (answer === 'takes') outgoing.writeHead(204).end();
      if (answer === 'refuses') outgoing.writeHead(500).end('out of order');
    });
  });
  await new Promise<void>((listening) => remote.listen(0, '127.0.0.1', listening));
  const address = remote.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  house = await openHouse({
    PARTNER_URL: `http://127.0.0.1:${port}/hooks?for=tutti`,
    PARTNER_SECRET: secret,
  });
});
afterAll(async () => {
  await house.stop();
  remote.closeAllConnections();
  remote.close();
});

async function paidReservation(fan: Fan): Promise<string> {
  const show = await house.performance(1, 10);
  const reservationId = text((await fan.reserve(show, ['S-1'])).body, 'reservationId');
  expect((await fan.pay(reservationId)).status).toBe(201);
  return reservationId;
}

const about = (reservationId: string): Received[] =>
  received.filter(({ body }) => body.includes(reservationId));

const makeDue = (reservationId: string) =>
  house.databases.partner.query('update delivery set next_attempt_at = now() where reservation_id = $1', [
    reservationId,
  ]);

async function deliveryOf(reservationId: string) {
  const [row] = await house.databases.partner.query<{
    id: string;
    attempts: number;
    delivered: boolean;
    aside: boolean;
    error: string | null;
  }>(
    `select id, attempts, delivered_at is not null as delivered, set_aside_at is not null as aside, last_error as error
     from delivery where reservation_id = $1`,
    [reservationId],
  );
  return row;
}

test('the promoter’s system gets a paid reservation as a signed webhook', async () => {
  answer = 'takes';
  const reservationId = await paidReservation(await house.fan(100));
  await until('it arrived', () => about(reservationId).length > 0);
  const [got] = about(reservationId);
  const { headers, body } = got ?? { headers: {}, body: '' };
  const [id, timestamp, signature] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) =>
    String(headers[name]),
  );
  const signer = new WebhookSigner(secret);
  expect(signer.isOurs(id ?? '', timestamp ?? '', signature ?? '', body)).toBe(true);
  expect(
    signer.isOurs(id ?? '', timestamp ?? '', signature ?? '', body.replace('"amount": 10', '"amount": 1')),
  ).toBe(false);
  expect(new WebhookSigner('whsec_b3RoZXI=').isOurs(id ?? '', timestamp ?? '', signature ?? '', body)).toBe(
    false,
  );
  expect(Math.abs(Number(timestamp) - Date.now() / 1_000)).toBeLessThan(30);
  const event: unknown = JSON.parse(body);
  expect(event).toMatchObject({ type: 'reservation.paid', reservationId, version: 3, amount: 10 });
  expect(Date.parse(text(event, 'at'))).toBeGreaterThan(Date.now() - 60_000);
  expect(list(event, 'seats')).toEqual([{ seatId: 'S-1', label: 'Seat 1', price: 10 }]);
});

test('a clock that is an hour off does not make a delivery look an hour old', async () => {
  answer = 'takes';
  const fan = await house.fan(100);
  const sentAt = Date.now() / 1_000;
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 });
  const reservationId = await paidReservation(fan).finally(() => vi.useRealTimers());
  await until('it arrived', () => about(reservationId).length > 0);
  const timestamp = Number(about(reservationId)[0]?.headers['webhook-timestamp']);
  expect(Math.abs(timestamp - sentAt)).toBeLessThan(30);
});

test('while it is down fans pay as ever, and afterwards it gets everything under the id of the first try', async () => {
  answer = 'refuses';
  const fan = await house.fan(100);
  const reservationId = await paidReservation(fan);
  await until('a try failed', async () => (await deliveryOf(reservationId))?.error === 'HTTP status 500');
  // An hour of tries later it is still being tried.
  await house.databases.partner.query(
    `update delivery set created_at = now() - interval '1 hour', next_attempt_at = now() where reservation_id = $1`,
    [reservationId],
  );
  await until('another try failed', async () => ((await deliveryOf(reservationId))?.attempts ?? 0) >= 2);
  expect(await deliveryOf(reservationId)).toMatchObject({ aside: false, delivered: false });
  expect((await fan.get(`/api/v1/reservations/${reservationId}`)).body).toMatchObject({ status: 'paid' });
  expect((await request(house.address, 'GET', '/readyz')).status).toBe(200);
  answer = 'takes';
  await makeDue(reservationId);
  await until('it is delivered', async () => (await deliveryOf(reservationId))?.delivered === true);
  const ids = new Set(about(reservationId).map(({ headers }) => headers['webhook-id']));
  expect(ids.size).toBe(1);
});

test('a system that never answers holds nobody up', async () => {
  answer = 'never';
  const fan = await house.fan(100);
  const [first, second] = [await paidReservation(fan), await paidReservation(fan)];
  await until('the first was sent', () => about(first).length > 0);
  expect(await deliveryOf(second)).toMatchObject({ delivered: false });
  answer = 'takes';
  remote.closeAllConnections();
  await until('the cut ones failed', async () => (await deliveryOf(first))?.error !== null);
  await makeDue(first);
  await makeDue(second);
  await until('both are delivered', async () =>
    (await Promise.all([first, second].map(deliveryOf))).every((row) => row?.delivered === true),
  );
});

test('what was not taken for a day is set aside where operators see it, and can be sent again', async () => {
  answer = 'refuses';
  const reservationId = await paidReservation(await house.fan(100));
  await until('a try failed', async () => ((await deliveryOf(reservationId))?.attempts ?? 0) >= 1);
  await house.databases.partner.query(
    `update delivery set created_at = now() - interval '25 hours', next_attempt_at = now() where reservation_id = $1`,
    [reservationId],
  );
  await until('it is set aside', async () => (await deliveryOf(reservationId))?.aside === true);
  const operator = await house.promoter();
  const waiting = list((await operator.get('/api/v1/admin/deliveries')).body, 'items');
  const mine = waiting.find((item) => field(item, 'reservationId') === reservationId);
  expect(mine).toMatchObject({ type: 'reservation.paid', lastError: 'HTTP status 500' });
  expect(text(mine, 'setAsideAt')).toMatch(/Z$/);
  answer = 'takes';
  const path = `/api/v1/admin/deliveries/${text(mine, 'deliveryId')}/replay`;
  const fan = await house.fan();
  expect((await fan.post(path)).status).toBe(403);
  expect((await operator.post(path)).status).toBe(202);
  await until('it is delivered', async () => (await deliveryOf(reservationId))?.delivered === true);
  expect((await operator.post(path)).status).toBe(404);
});

test('what was due when the system stopped is delivered after the next start', async () => {
  answer = 'refuses';
  const reservationId = await paidReservation(await house.fan(100));
  await until('a try failed', async () => ((await deliveryOf(reservationId))?.attempts ?? 0) >= 1);
  await makeDue(reservationId);
  answer = 'takes';
  await house.restart();
  await until('it is delivered', async () => (await deliveryOf(reservationId))?.delivered === true);
});
