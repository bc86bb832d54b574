import { until } from '@tutti/kit/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { field, list, request, text, type Fan, type Reply } from '../support/client.ts';
import { openHouse, type House } from '../support/house.ts';
import {
  askIn,
  codeOf,
  goIn,
  guardedSale,
  join,
  numberIn,
  placeOf,
  reserveWith,
  untilQueue,
} from '../support/line.ts';

// A promoter's hand on the sale, and what the stock does to the line.

let house: House;
let promoter: Fan;
beforeAll(async () => {
  house = await openHouse();
  promoter = await house.promoter();
});
afterAll(() => house.stop());

const act = (concertId: string, change: object, who: Fan = promoter): Promise<Reply> =>
  request(house.address, 'PUT', `/api/v1/admin/concerts/${concertId}/sale`, {
    headers: { authorization: `Bearer ${who.accessToken}` },
    body: change,
  });
/** Everybody who was called asks: each again in half a minute or so, and not all at once. */
function comesBackLate(reply: Reply, code: string): void {
  expect(codeOf(reply)).toBe(code);
  expect(reply.headers.get('retry-after')).toMatch(/^(2\d|3\d|40)$/);
}
const phaseIs = (phase: string) => (body: unknown) => field(body, 'phase') === phase;

test('a promoter opens, slows, pauses, resumes and closes a sale; each act is kept with who, when and why', async () => {
  const sale = await guardedSale(house, { inside: 1, opensInSeconds: 3_600 });
  const [first, second] = [await house.fan(), await house.fan()];
  const place = await placeOf(first, sale);
  expect(place.body).toMatchObject({ status: 'pre_queue', arrival: 0 });
  expect((await act(sale, { state: 'open', reason: 'they are all here' })).body).toMatchObject({
    state: 'open',
  });
  await untilQueue(house, sale, 'it is open', phaseIs('open'));
  await goIn(first, sale);

  expect((await act(sale, { pace: 0, reason: 'the till is slow' })).status).toBe(200);
  const waiting = await placeOf(second, sale);
  expect((await act(sale, { state: 'paused', reason: 'a wrong price' })).status).toBe(200);
  await untilQueue(house, sale, 'it is paused', phaseIs('paused'));
  comesBackLate(await askIn(second, sale, waiting.queueToken), '409 sale_paused');
  expect((await act(sale, { state: 'open', pace: 100, reason: 'put right' })).status).toBe(200);
  await request(house.address, 'DELETE', `/api/v1/concerts/${sale}/admissions`, {
    headers: { authorization: `Bearer ${first.accessToken}` },
  });
  await until('the second is in', async () => (await askIn(second, sale, waiting.queueToken)).status === 201);

  expect((await act(sale, { state: 'closed', reason: 'the end' })).status).toBe(200);
  await untilQueue(house, sale, 'it is closed', phaseIs('closed'));
  expect(codeOf(await join(await house.fan(), sale))).toBe('409 sale_closed');

  const shown = await promoter.get(`/api/v1/admin/concerts/${sale}/sale`);
  const acts = list(shown.body, 'acts');
  expect(acts.map((one) => field(one, 'reason'))).toEqual([
    'the end',
    'put right',
    'a wrong price',
    'the till is slow',
    'they are all here',
  ]);
  expect(acts.map((one) => field(one, 'state'))).toEqual(['closed', 'open', 'paused', 'open', 'open']);
  expect(acts.every((one) => field(one, 'userId') === promoter.userId)).toBe(true);
  expect(acts.every((one) => Date.parse(text(one, 'at')) > Date.now() - 60_000)).toBe(true);
});

test('a pause before the opening ends in what was announced, and only one more act opens at once', async () => {
  const sale = await guardedSale(house, { inside: 1, opensInSeconds: 3_600 });
  expect((await act(sale, { state: 'paused', reason: 'a wrong price' })).body).toMatchObject({
    state: 'paused',
  });
  expect((await act(sale, { state: 'open', reason: 'put right' })).body).toMatchObject({
    state: 'scheduled',
  });
  expect((await placeOf(await house.fan(), sale)).body).toMatchObject({ status: 'pre_queue' });
  expect((await act(sale, { state: 'open', reason: 'now' })).body).toMatchObject({ state: 'open' });
});

test('a sale without a waiting room opens and closes by the same hand, and has no pace', async () => {
  const show = await house.performance(3);
  const fan = await house.fan();
  expect((await act(show, { state: 'closed', reason: 'not yet' })).body).toMatchObject({ waitingRoom: null });
  expect(codeOf(await fan.reserve(show, ['S-1']))).toBe('409 sale_closed');
  await act(show, { state: 'open', reason: 'now' });
  expect((await fan.reserve(show, ['S-1'])).status).toBe(201);
  expect(codeOf(await act(show, { pace: 3, reason: 'slow' }))).toBe('409 no_waiting_room');
  expect(codeOf(await act(show, { state: 'closed', reason: 'mine' }, fan))).toBe('403 role_required');
});

test('the line stands while every seat is held, goes on when a hold runs out, and is told when all are sold', async () => {
  const sale = await guardedSale(house, { inside: 1, seats: 2 });
  const [first, second, third] = [await house.fan(10_000), await house.fan(10_000), await house.fan()];
  await untilQueue(house, sale, 'it is open', phaseIs('open'));
  for (const fan of [first, second]) await join(fan, sale);
  const waiting = await placeOf(third, sale);
  const admission = await goIn(first, sale);
  const { body } = await reserveWith(first, sale, ['S-1', 'S-2'], admission);
  await untilQueue(house, sale, 'nothing is left', (body) =>
    list(body, 'seatsLeft').every((one) => numberIn(one, 'left') === 0),
  );
  // When the time of both is over, the slot and the seats are somebody else's to have.
  await house.databases.concert.query('update reservation set expires_at = now() where id = $1', [
    text(body, 'reservationId'),
  ]);
  await house.databases.waiting_room.query('update slot set ends_at = now() where fan = $1', [first.userId]);
  const next = await goIn(second, sale);
  const held = await reserveWith(second, sale, ['S-1', 'S-2'], next);
  expect(held.status).toBe(201);
  expect((await second.pay(text(held.body, 'reservationId'))).status).toBe(201);
  await untilQueue(house, sale, 'it is sold out', phaseIs('sold_out'));
  expect(codeOf(await join(third, sale))).toBe('409 sold_out');
  comesBackLate(await askIn(third, sale, waiting.queueToken), '409 sold_out');
  expect((await request(house.address, 'GET', '/api/v1/concerts?limit=100')).text).toContain(
    '"waitingRoom":true',
  );
});
