import { until } from '@tutti/kit/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { field, text } from '../support/client.ts';
import { openHouse, type House } from '../support/house.ts';
import {
  askIn,
  codeOf,
  goIn,
  guardedSale,
  join,
  leave,
  numberIn,
  placeOf,
  queueOf,
  reserveWith,
  untilQueue,
} from '../support/line.ts';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.stop());

const takenSlots = async (concertId: string): Promise<number> => {
  const [row] = await house.databases.waiting_room.query<{ taken: number }>(
    `select count(t.fan)::int as taken from slot t join sale s on s.id = t.sale where s.concert_id = $1`,
    [concertId],
  );
  return row?.taken ?? -1;
};

test('a fan joins, reads the line, goes in, reserves, pays, and makes room for the next', async () => {
  const sale = await guardedSale(house, { inside: 1 });
  const [fan, next] = [await house.fan(10_000), await house.fan()];
  const joined = await join(fan, sale);
  expect(joined.status).toBe(201);
  await untilQueue(house, sale, 'it is open', (body) => field(body, 'phase') === 'open');
  const admission = await goIn(fan, sale);
  const held = await reserveWith(fan, sale, ['S-1', 'S-2'], admission);
  expect(held.status).toBe(201);

  const waiting = await placeOf(next, sale);
  expect(waiting.body).toMatchObject({ status: 'waiting', number: 2 });
  const refused = await askIn(next, sale, waiting.queueToken);
  expect(codeOf(refused)).toBe('409 not_your_turn');
  expect(refused.body).toMatchObject({ ahead: 0 });
  expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);

  expect((await fan.pay(text(held.body, 'reservationId'))).status).toBe(201);
  const nextAdmission = await goIn(next, sale);
  expect((await reserveWith(next, sale, ['S-3'], nextAdmission)).status).toBe(201);
  expect(await takenSlots(sale)).toBe(1);
  // The payment has used it up, although its time is not over.
  expect(codeOf(await reserveWith(fan, sale, ['S-4'], admission))).toBe('403 admission_expired');
});

test('a concert without a waiting room needs none and has none', async () => {
  const show = await house.performance(2);
  const fan = await house.fan();
  expect((await fan.reserve(show, ['S-1'])).status).toBe(201);
  expect(codeOf(await join(fan, show))).toBe('409 no_waiting_room');
  expect(codeOf(await queueOf(house, show))).toBe('409 no_waiting_room');
  expect(codeOf(await join(fan, 'nowhere'))).toBe('404 concert_not_found');
});

test('fifty joins of one fan at once are one place, and one of them is told that it is new', async () => {
  const sale = await guardedSale(house);
  const [other, fan] = [await house.fan(), await house.fan()];
  await join(other, sale);
  const replies = await Promise.all(Array.from({ length: 50 }, () => join(fan, sale)));
  expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
  expect(replies.filter(({ status }) => status === 200)).toHaveLength(49);
  expect(new Set(replies.map(({ body }) => text(body, 'queueToken'))).size).toBe(1);
  const places = await house.databases.waiting_room.query(
    'select p.arrival from place p join sale s on s.id = p.sale where s.concert_id = $1 order by 1',
    [sale],
  );
  expect(places).toEqual([{ arrival: 0 }, { arrival: 1 }]);
});

test('after the opening numbers follow the order of joining, and serving goes through them', async () => {
  const sale = await guardedSale(house, { inside: 3 });
  await untilQueue(house, sale, 'it is open', (body) => field(body, 'phase') === 'open');
  const fans = await house.fans(5);
  for (const [index, fan] of fans.entries())
    expect((await placeOf(fan, sale)).body).toMatchObject({ status: 'waiting', number: index + 1 });
  await Promise.all(fans.slice(0, 3).map((fan) => goIn(fan, sale)));
  await untilQueue(house, sale, 'three are called', (body) => numberIn(body, 'serving') >= 3);
  for (const [ahead, fan] of fans.slice(3).entries()) {
    const refused = await askIn(fan, sale, (await placeOf(fan, sale)).queueToken);
    expect(codeOf(refused)).toBe('409 not_your_turn');
    expect(refused.body).toMatchObject({ ahead });
  }
});

test('who leaves makes room, and comes again only after everybody who waits for the first time', async () => {
  const sale = await guardedSale(house, { inside: 1 });
  const [first, second, third] = [await house.fan(), await house.fan(), await house.fan()];
  const admission = await goIn(first, sale);
  const { queueToken } = await placeOf(first, sale);
  const waiting = await placeOf(second, sale);
  // When the second is called, too, somebody still waits for the first time.
  await placeOf(third, sale);
  expect((await leave(first, sale)).status).toBe(204);
  await until('there is room', async () => (await takenSlots(sale)) === 0);
  expect(codeOf(await askIn(first, sale, queueToken))).toBe('409 not_your_turn');
  await until('the second is in', async () => (await askIn(second, sale, waiting.queueToken)).status === 201);
  expect(codeOf(await reserveWith(first, sale, ['S-1'], admission))).toBe('403 admission_expired');
  await leave(second, sale);
  // The third is called and does not come. Nobody waits any more who was not inside: whoever wants may come again.
  await until('the first is in again', async () => (await askIn(first, sale, queueToken)).status === 201);
});
