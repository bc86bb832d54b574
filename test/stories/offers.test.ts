import { loadSeason, readSeason } from '@tutti/concert/season';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { field, list, request, text, type Reply } from '../support/client.ts';
import { openHouse, type House } from '../support/house.ts';

let house: House;
let night: string;
beforeAll(async () => {
  house = await openHouse();
  const season = await readSeason(path.join(import.meta.dirname, '../support/season.yaml'));
  await loadSeason(house.databases.concert, season);
  night = season.concerts[0]?.performances[0]?.performanceId ?? '';
});
afterAll(() => house.stop());

const idsIn = (body: unknown, name: string): string[][] =>
  list(body, name).map((one) => list(one, 'seatIds').map(String));
const best = (show: string, query: string): Promise<Reply> =>
  request(house.address, 'GET', `/api/v1/performances/${show}/best?${query}`);

test('who loses a seat to another fan is offered the nearest, and may have them', async () => {
  const [show, first, second] = [await house.performance(20), await house.fan(), await house.fan()];
  await first.reserve(show, ['S-10']);
  const refused = await second.reserve(show, ['S-10', 'S-11']);
  expect(refused.body).toMatchObject({ code: 'seat_unavailable', seatIds: ['S-10'] });
  const offered = idsIn(refused.body, 'alternatives');
  expect(offered).toEqual([
    ['S-8', 'S-9'],
    ['S-12', 'S-13'],
    ['S-6', 'S-7'],
  ]);
  expect((await second.reserve(show, offered[0] ?? [])).status).toBe(201);
});

test('of two who want one seat at the same moment the one who loses is offered others', async () => {
  const show = await house.performance(9);
  // Alternatives are waited for a quarter of a second; what they are chosen from is read here.
  expect((await best(show, 'together=1')).status).toBe(200);
  const fans = await house.fans(8);
  const replies = await Promise.all(fans.map((fan) => fan.reserve(show, ['S-5'])));
  expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
  for (const { status, body } of replies)
    if (status === 409) expect(idsIn(body, 'alternatives')).toHaveLength(3);
});

test('a refusal that is asked for again has the same bytes, whatever has become of what it offered', async () => {
  const [show, first, second] = [await house.performance(9), await house.fan(), await house.fan()];
  await first.reserve(show, ['S-5']);
  const refused = await second.reserve(show, ['S-5'], 'the-same');
  const [offered = []] = idsIn(refused.body, 'alternatives');
  await first.reserve(show, offered);
  // Then what would be offered now is something else.
  await expect
    .poll(async () => idsIn((await best(show, 'together=1&near=S-5')).body, 'items'))
    .not.toContainEqual(offered);
  const again = await second.reserve(show, ['S-5'], 'the-same');
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect(again.text).toBe(refused.text);
  await house.restart();
  const later = await second.at(house.address).reserve(show, ['S-5'], 'the-same');
  expect(later.text).toBe(refused.text);
});

test('when nothing is left, nothing is offered', async () => {
  const [show, first, second] = [await house.performance(2), await house.fan(), await house.fan()];
  await first.reserve(show, ['S-1', 'S-2']);
  await expect.poll(async () => idsIn((await best(show, 'together=1')).body, 'items')).toEqual([]);
  expect(idsIn((await second.reserve(show, ['S-1'])).body, 'alternatives')).toEqual([]);
  expect((await best('nowhere', 'together=1')).body).toMatchObject({ code: 'performance_not_found' });
});

test('the best of a hall: together in one row, of the grade asked for, and not the same for everybody', async () => {
  const map = (await request(house.address, 'GET', `/api/v1/performances/${night}/seat-map`)).body;
  const rowOf = new Map<string, string>();
  for (const section of list(map, 'sections'))
    for (const seat of list(section, 'seats'))
      rowOf.set(
        text(seat, 'seatId'),
        `${text(section, 'grade')} ${text(section, 'name')} ${text(seat, 'row')}`,
      );
  const firsts = new Set<string>();
  for (let turn = 0; turn < 20; turn++) {
    const { body, headers } = await best(night, 'together=4&grade=R');
    expect(headers.get('cache-control')).toBe('no-store');
    const items = idsIn(body, 'items');
    expect(items).toHaveLength(3);
    for (const ids of items) {
      expect(new Set(ids).size).toBe(4);
      const rows = new Set(ids.map((id) => rowOf.get(id)));
      expect(rows.size).toBe(1);
      expect([...rows][0]).toMatch(/^R /);
    }
    firsts.add(items[0]?.[0] ?? '');
  }
  expect(firsts.size).toBeGreaterThan(2);
  expect(idsIn((await best(night, 'together=2&grade=Z')).body, 'items')).toEqual([]);
  const [[seat = ''] = []] = idsIn((await best(night, 'together=1')).body, 'items');
  const fan = await house.fan();
  expect(field((await fan.reserve(night, [seat])).body, 'status')).toBe('reserved');
});
