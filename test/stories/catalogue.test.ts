import { loadSeason, readSeason, type Season } from '@tutti/concert/season';
import { until } from '@tutti/kit/testing';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { field, list, request, text, type Fan, type Reply } from '../support/client.ts';
import { openHouse, type House } from '../support/house.ts';

const seasonFile = path.join(import.meta.dirname, '../support/season.yaml');
// Two begin at the same moment; one is over and cannot be booked any more.
const dates = {
  'night-1': '2030-01-01',
  'night-3': '2030-01-02',
  'night-2': '2030-01-02',
  past: '2026-02-01',
};
const seatsTotal = 2_452;
let house: House;
let season: Season;
let fan: Fan;

beforeAll(async () => {
  house = await openHouse();
  const read = await readSeason(seasonFile);
  const performances = Object.entries(dates).map(([performanceId, day]) => ({
    performanceId,
    startsAt: `${day}T10:00:00.000Z`,
  }));
  season = { ...read, concerts: read.concerts.map((concert) => ({ ...concert, performances })) };
  await loadSeason(house.databases.concert, season);
  fan = await house.fan();
});
afterAll(() => house.stop());

const get = (at: string, headers: Record<string, string> = {}): Promise<Reply> =>
  request(house.address, 'GET', `/api/v1${at}`, { headers });

test('a concert is shown in both languages, with its sale and its prices', async () => {
  const rehearsal = {
    concertId: 'rehearsal',
    title: 'Rehearsal',
    artist: 'The House Band',
    venue: 'Garam Concert Hall',
    onSaleAt: '2025-12-31T15:00:00.000Z',
    saleState: 'open',
    priceRange: { min: 400, max: 1_500 },
    waitingRoom: false,
    translations: {
      ko: { title: '리허설', artist: '하우스 밴드', venue: '가람 콘서트홀' },
      en: { title: 'Rehearsal', artist: 'The House Band', venue: 'Garam Concert Hall' },
    },
  };
  expect((await get('/concerts/rehearsal')).body).toEqual(rehearsal);
  expect(list((await get('/concerts')).body, 'items')).toContainEqual(rehearsal);
});

test('a client that knows a concert is told when it changed, also when only time passed', async () => {
  const concertId = await house.performance(1);
  await house.databases.concert.query(
    `update concert set on_sale_at = clock_timestamp() + interval '4 seconds' where id = $1`,
    [concertId],
  );
  const first = await get(`/concerts/${concertId}`);
  const known = { 'if-none-match': first.headers.get('etag') ?? '' };
  expect(first.body).toMatchObject({ saleState: 'scheduled' });
  expect((await get(`/concerts/${concertId}`, known)).status).toBe(304);
  await until('the sale is open', async () => (await get(`/concerts/${concertId}`, known)).status === 200);
  expect((await get(`/concerts/${concertId}`)).body).toMatchObject({ saleState: 'open' });
});

test('the bookable dates are in order, without those that are over', async () => {
  const { body } = await get('/concerts/rehearsal/performances');
  const show = (performanceId: string, day: string) => ({
    performanceId,
    startsAt: `${day}T10:00:00.000Z`,
    seatsTotal,
    seatsAvailable: seatsTotal,
  });
  expect(body).toEqual({
    items: [show('night-1', '2030-01-01'), show('night-2', '2030-01-02'), show('night-3', '2030-01-02')],
    nextCursor: null,
  });
});

test('a date can be asked for by itself, for a ticket, also when it is over', async () => {
  const show = (performanceId: 'night-1' | 'past') => ({
    performanceId,
    concertId: 'rehearsal',
    startsAt: `${dates[performanceId]}T10:00:00.000Z`,
    seatsTotal,
    seatsAvailable: seatsTotal,
  });
  for (const performanceId of ['night-1', 'past'] as const)
    expect((await get(`/performances/${performanceId}`)).body).toEqual(show(performanceId));
});

type MapSeat = { seatId: string; label: string; price: number };
const seatsOfMap = (body: unknown): MapSeat[] =>
  list(body, 'sections').flatMap((section) =>
    list(section, 'seats').map((seat) => ({
      seatId: text(seat, 'seatId'),
      label: text(seat, 'label'),
      price: Number(field(section, 'price')),
    })),
  );

test('a seat map stays what it is under its version, and a new price makes a new one', async () => {
  const at = '/performances/night-3/seat-map';
  const first = await get(at);
  expect(first.status).toBe(200);
  expect(first.headers.get('content-type')).toContain('application/json');
  expect(first.headers.get('cache-control')).toContain('public');
  expect(seatsOfMap(first.body)).toHaveLength(seatsTotal);
  const etag = first.headers.get('etag') ?? '';
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const unchanged = await get(at, { 'if-none-match': known });
    expect(unchanged.status, known).toBe(304);
    expect(unchanged.text).toBe('');
    expect(unchanged.headers.get('etag')).toBe(etag);
  }
  expect((await get('/performances/night-2/seat-map', { 'if-none-match': etag })).status).toBe(200);
  const raised = season.concerts.map((concert) => ({
    ...concert,
    prices: { ...concert.prices, VIP: 1_600 },
    performances: concert.performances.filter(({ performanceId }) => performanceId === 'night-3'),
  }));
  await loadSeason(house.databases.concert, { ...season, concerts: raised });
  const second = await get(at, { 'if-none-match': etag });
  expect(second.status).toBe(200);
  expect(field(second.body, 'version')).toBe(Number(field(first.body, 'version')) + 1);
  expect(second.headers.get('etag')).not.toBe(etag);
  expect(seatsOfMap(second.body).some(({ price }) => price === 1_600)).toBe(true);
});

test('the seats are those of the map, in its order, each with its state', async () => {
  const map = (await get('/performances/night-1/seat-map')).body;
  const before = (await get('/performances/night-1/seats')).body;
  const seats = seatsOfMap(map);
  expect(list(before, 'seats')).toEqual(seats.map((seat) => ({ ...seat, status: 'available' })));
  expect(field(before, 'version')).toBe(field(map, 'version'));
  const [seat] = seats;
  expect((await fan.reserve('night-1', [seat?.seatId ?? ''])).status).toBe(201);
  const after = (await get('/performances/night-1/seats')).body;
  expect(list(after, 'seats')[0]).toEqual({ ...seat, status: 'reserved' });
  expect(Number(field(after, 'sequence'))).toBeGreaterThan(Number(field(before, 'sequence')));
  const available = (await get('/performances/night-1/seats?status=available')).body;
  expect(list(available, 'seats')).toEqual(list(after, 'seats').slice(1));
  expect(field(available, 'sequence')).toBe(field(after, 'sequence'));
  const [night] = list((await get('/concerts/rehearsal/performances')).body, 'items');
  expect(night).toMatchObject({ seatsTotal, seatsAvailable: seatsTotal - 1 });
});

test.each([
  ['/concerts/nowhere', 'concert_not_found'],
  ['/concerts/nowhere/performances', 'concert_not_found'],
  ['/performances/nowhere/seat-map', 'performance_not_found'],
  ['/performances/nowhere/seats', 'performance_not_found'],
  ['/performances/nowhere', 'performance_not_found'],
  ['/performances/nowhere/seating', 'not_found'],
])('there is no %s', async (at, code) => {
  expect((await get(at)).body).toMatchObject({ status: 404, code });
});

test.each(['reserved', 'paid', 'sold', 'AVAILABLE', ''])(
  'seats cannot be filtered by "%s"',
  async (status) => {
    const { body } = await get(`/performances/night-1/seats?status=${status}`);
    expect(body).toMatchObject({ status: 400, code: 'invalid_request', errors: [{ pointer: '/status' }] });
  },
);

describe('lists', () => {
  const entriesMade = 25;
  let stranger: Fan;
  let elsewhere: string;
  /** Every list, by name; `id` is what tells its items apart. */
  const lists: Record<string, { at: () => string; id: string; as?: () => Fan }> = {
    concerts: { at: () => '/concerts', id: 'concertId' },
    performances: { at: () => '/concerts/rehearsal/performances', id: 'performanceId' },
    'performances of another concert': {
      at: () => `/concerts/${elsewhere}/performances`,
      id: 'performanceId',
    },
    reservations: { at: () => '/reservations', id: 'reservationId', as: () => fan },
    'reservations of another fan': { at: () => '/reservations', id: 'reservationId', as: () => stranger },
    entries: { at: () => '/points/entries', id: 'entryId', as: () => fan },
    'entries of another fan': { at: () => '/points/entries', id: 'entryId', as: () => stranger },
  };
  const names = Object.keys(lists);

  const read = (name: string, query: Record<string, string> = {}): Promise<Reply> => {
    const { at = () => '', as } = lists[name] ?? {};
    const address = `${at()}?${new URLSearchParams(query).toString()}`;
    return as ? as().get(`/api/v1${address}`) : get(address);
  };
  const cursorOf = async (name: string): Promise<string> =>
    text((await read(name, { limit: '1' })).body, 'nextCursor');

  /** All items by pages of `limit`; `meanwhile` runs after the first page. */
  async function walk(name: string, limit: number, meanwhile = async () => {}): Promise<unknown[]> {
    const items: unknown[] = [];
    let cursor: unknown = undefined;
    do {
      const { status, body } = await read(name, {
        limit: String(limit),
        ...(typeof cursor === 'string' && { cursor }),
      });
      expect(status).toBe(200);
      const page = list(body, 'items');
      expect(page.length).toBeLessThanOrEqual(limit);
      items.push(...page);
      if (cursor === undefined) await meanwhile();
      cursor = field(body, 'nextCursor');
    } while (cursor !== null);
    return items;
  }

  beforeAll(async () => {
    stranger = await house.fan();
    elsewhere = await house.performance(8, 10);
    await house.databases.concert.query(
      `insert into performance (id, concert_id, starts_at, seats_total, price_min, price_max, seat_map)
       select id || '-' || n, concert_id, starts_at, 0, 0, 0, seat_map from performance, generate_series(1, 3) n where id = $1`,
      [elsewhere],
    );
    for (const one of [fan, stranger])
      for (let n = 1; n <= 4; n++) {
        await one.charge(n);
        const show = await house.performance(1);
        await one.reserve(show, ['S-1']);
      }
    await Promise.all(Array.from({ length: entriesMade - 4 }, () => fan.charge(1)));
  });

  test.each(names)('%s: every item once, in the same order, by pages of any size', async (name) => {
    const { id = '' } = lists[name] ?? {};
    const all = await walk(name, 100);
    expect(all.length).toBeGreaterThanOrEqual(3);
    expect(new Set(all.map((item) => field(item, id))).size).toBe(all.length);
    for (const limit of [1, 2, 3, all.length]) expect(await walk(name, limit), `limit ${limit}`).toEqual(all);
    const byDefault = (await read(name)).body;
    expect(list(byDefault, 'items')).toEqual(all.slice(0, 20));
  });

  test('there are twenty on a page when nobody says how many', async () => {
    const { body } = await read('entries');
    expect(list(body, 'items')).toHaveLength(20);
    expect(await walk('entries', 100)).toHaveLength(entriesMade);
  });

  test('what is added meanwhile neither repeats nor hides an item', async () => {
    const before = await walk('entries', 100);
    const seen = await walk('entries', 3, async () => {
      await fan.charge(1);
    });
    expect(seen).toEqual(before);
  });

  test.each(names)('%s: a limit is a whole number from 1 to 100', async (name) => {
    for (const limit of [
      '0',
      '101',
      'abc',
      '-1',
      '1.5',
      '',
      'NaN',
      'Infinity',
      '1e9',
      '99999999999999999999',
    ])
      expect((await read(name, { limit })).body, limit).toMatchObject({
        code: 'invalid_request',
        errors: expect.arrayContaining([expect.objectContaining({ pointer: '/limit' })]),
      });
    for (const limit of ['1', '100']) expect((await read(name, { limit })).status).toBe(200);
  });

  test.each(names)('%s: a cursor is one that this list gave', async (name) => {
    const own = await cursorOf(name);
    const inside = Buffer.from(own, 'base64url').toString();
    const encoded = (said: string) => Buffer.from(said).toString('base64url');
    const mark = inside.slice(0, 6);
    const garbage = [
      ['', '\u0000', "'", '../..', 'null', '0', '-1', '*', 'a'.repeat(600), '커서', inside],
      [own.repeat(2), `${own}x`, `${own}=`, `${own} `, own.slice(1), own.slice(0, -1)],
      [inside.slice(6), `${inside}'`, mark, `${mark}' or 1=1 --`, `${mark}${inside}`].map(encoded),
    ].flat();
    const others = await Promise.all(names.filter((one) => one !== name).map((one) => cursorOf(one)));
    for (const cursor of [...garbage, ...others])
      expect((await read(name, { cursor })).body, cursor).toMatchObject({
        status: 400,
        code: 'invalid_cursor',
      });
    expect((await read(name, { cursor: own })).status).toBe(200);
  });

  test('lists of one page take no cursor', async () => {
    const promoter = await house.promoter();
    for (const at of ['/admin/operations', '/admin/deliveries'])
      expect((await promoter.get(`/api/v1${at}?cursor=${await cursorOf('concerts')}`)).body).toMatchObject({
        status: 400,
        code: 'invalid_cursor',
      });
  });
});
