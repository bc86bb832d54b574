import { loadSeason, readSeason } from '@tutti/concert/season';
import { seatChanges, seatCodeAt } from '@tutti/contracts';
import { seatChanges as changesSchema, seatReset } from '@tutti/contracts/http';
import { until } from '@tutti/kit/testing';
import { once } from 'node:events';
import { connect } from 'node:net';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { field, list, request, text } from '../support/client.ts';
import { EventStream, type SeatEvent } from '../support/event-stream.ts';
import { openHouse, type House } from '../support/house.ts';

let house: House;
const open: EventStream[] = [];

beforeAll(async () => {
  house = await openHouse();
});
afterEach(() => {
  for (const stream of open.splice(0)) stream.close();
});
afterAll(() => house.stop());

const at = (show: string): string => `${house.address}/api/v1/performances/${show}/availability`;

type Left = { status: number; headers: Headers; bytes: Uint8Array; sequence: number };
async function left(show: string, headers: Record<string, string> = {}): Promise<Left> {
  const response = await fetch(at(show), { headers });
  const sequence = Number(response.headers.get('sequence'));
  return { status: response.status, headers: response.headers, bytes: await response.bytes(), sequence };
}

const codesOf = (bytes: Uint8Array, seats: number): number[] =>
  Array.from({ length: seats }, (_, seat) => seatCodeAt(bytes, seat));

async function listen(show: string, query = '', headers: Record<string, string> = {}): Promise<EventStream> {
  const stream = await EventStream.open(`${at(show)}/stream${query}`, headers);
  open.push(stream);
  if (stream.status === 200) await until('the stream has begun', () => stream.lastId >= 0);
  return stream;
}

const changesIn = ({ data }: SeatEvent) => changesSchema.parse(data).changes;
const tells = (seat: number, code: number) => (event: SeatEvent) =>
  event.event === 'message' && changesIn(event).some(([index, status]) => index === seat && status === code);

test('every seat is there in the order of the map, with what became of it', async () => {
  const [show, fan] = [await house.performance(6), await house.fan(10_000)];
  const before = await left(show);
  expect(before.headers.get('content-type')).toBe('application/octet-stream');
  expect(before.headers.get('cache-control')).toContain('public');
  expect(before.headers.get('seat-map-version')).toBe('1');
  expect(codesOf(before.bytes, 8)).toEqual([0, 0, 0, 0, 0, 0, 3, 3]);
  await fan.reserve(show, ['S-2']);
  const paid = text((await fan.reserve(show, ['S-5'])).body, 'reservationId');
  await fan.pay(paid);
  await until('it is seen', async () => (await left(show)).sequence >= before.sequence + 3);
  const after = await left(show);
  expect(codesOf(after.bytes, 6)).toEqual([0, 1, 0, 0, 2, 0]);
  const seats = list(
    (await request(house.address, 'GET', `/api/v1/performances/${show}/seats`)).body,
    'seats',
  );
  const words = ['available', 'reserved', 'paid'];
  expect(seats.map((seat) => words.indexOf(text(seat, 'status')))).toEqual(codesOf(after.bytes, 6));
});

test('who knows the state is told that it is the same, and told when it is not', async () => {
  const [show, fan] = [await house.performance(3), await house.fan()];
  const etag = (await left(show)).headers.get('etag') ?? '';
  const same = await left(show, { 'if-none-match': etag });
  expect([same.status, same.bytes.length]).toEqual([304, 0]);
  expect(same.headers.get('sequence')).not.toBeNull();
  await fan.reserve(show, ['S-1']);
  await until('it has changed', async () => (await left(show, { 'if-none-match': etag })).status === 200);
  expect((await fetch(at('nowhere'))).status).toBe(404);
});

test('another price makes another version, also for who knows the old one', async () => {
  const season = await readSeason(path.join(import.meta.dirname, '../support/season.yaml'));
  const [performance] = season.concerts[0]?.performances ?? [];
  const show = performance?.performanceId ?? '';
  await loadSeason(house.databases.concert, season);
  const before = await left(show);
  const stream = await listen(show, `?sequence=${before.sequence}&version=1`);
  const concerts = season.concerts.map((one) => ({ ...one, prices: { ...one.prices, VIP: 77_000 } }));
  await loadSeason(house.databases.concert, { ...season, concerts });
  const reset = await stream.next('the new version', ({ event }) => event === 'reset');
  expect(reset.data).toMatchObject({ version: 2, sequence: before.sequence });
  const after = await left(show, { 'if-none-match': before.headers.get('etag') ?? '' });
  expect([after.status, after.headers.get('seat-map-version')]).toEqual([200, '2']);
  // The sequence is the same; only the version says that the map is another.
  const late = await listen(show, `?sequence=${before.sequence}&version=1`);
  expect(await late.next('the reset')).toMatchObject({ event: 'reset', data: { version: 2 } });
});

test('whoever listens hears of a hold, a payment and a cancellation, and needs to know nothing else', async () => {
  const [show, fan] = [await house.performance(9), await house.fan(10_000)];
  const { bytes, sequence } = await left(show);
  const stream = await listen(show, `?sequence=${sequence}&version=1`);
  expect(stream.headers.get('content-type')).toBe('text/event-stream');
  expect(stream.headers.get('cache-control')).toContain('no-store');
  const held = text((await fan.reserve(show, ['S-4', 'S-5'])).body, 'reservationId');
  expect(changesIn(await stream.next('the hold', tells(3, 1)))).toEqual([
    [3, 1],
    [4, 1],
  ]);
  await fan.pay(held);
  await stream.next('the payment', tells(4, 2));
  await fan.post(`/api/v1/reservations/${held}/cancellation`);
  const last = await stream.next('the cancellation', tells(3, 0));
  const known = Uint8Array.from(bytes);
  expect(stream.events.every(({ id }, nth) => id > (stream.events[nth - 1]?.id ?? sequence))).toBe(true);
  const now = await left(show);
  expect(now.sequence).toBe(last.id);
  expect(seatChanges(known, now.bytes)).toEqual([]);
});

test('who was away for a moment hears what was missed, from the last it heard', async () => {
  const [show, fan] = [await house.performance(9), await house.fan()];
  const stays = await listen(show);
  const leaves = await listen(show);
  await fan.reserve(show, ['S-1']);
  await leaves.next('the first hold', tells(0, 1));
  leaves.close();
  await fan.reserve(show, ['S-2']);
  await stays.next('the second hold', tells(1, 1));
  // What came last is newer than the address of the stream.
  const back = await listen(show, '?sequence=0&version=1', { 'last-event-id': String(leaves.lastId) });
  expect(changesIn(await back.next('what was missed'))).toEqual([[1, 1]]);
  await fan.reserve(show, ['S-3']);
  await back.next('what is new', tells(2, 1));
  expect(back.events.map(({ event }) => event)).toEqual(['message', 'message']);
});

test('who is too far behind is given everything at once', async () => {
  const [show, fan] = [await house.performance(5), await house.fan()];
  await fan.reserve(show, ['S-3']);
  await until('it is seen', async () => (await left(show)).sequence > 0);
  for (const [query, headers] of [
    ['?sequence=999', {}],
    ['', { 'last-event-id': '123456' }],
  ] as const) {
    const stream = await listen(show, query, headers);
    const { event, data, id } = await stream.next('the reset');
    const { seats, sequence, version } = seatReset.parse(data);
    expect([event, version, id]).toEqual(['reset', 1, sequence]);
    expect(codesOf(Buffer.from(seats, 'base64'), 5)).toEqual([0, 0, 1, 0, 0]);
  }
});

test('a stream of a performance that there is none of is refused, and HEAD ends', async () => {
  const { status } = await fetch(`${at('nowhere')}/stream`);
  expect(status).toBe(404);
  const head = await fetch(`${at(await house.performance(1))}/stream`, { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
});

test('a crowd that listens hears the same', async () => {
  const [show, fan] = [await house.performance(20), await house.fan()];
  const streams = await Promise.all(Array.from({ length: 200 }, () => listen(show)));
  await fan.reserve(show, ['S-7']);
  await Promise.all(streams.map((stream) => stream.next('the hold', tells(6, 1))));
  const told = streams.map(({ events }) => JSON.stringify(events.map(({ data }) => data)));
  expect(new Set(told).size).toBe(1);
});

test('streams end when the system stops, and go on when it is back', async () => {
  const [show, fan] = [await house.performance(4), await house.fan()];
  const before = await listen(show);
  await fan.reserve(show, ['S-1']);
  await before.next('the hold', tells(0, 1));
  // Browsers open connections in advance; one on which nothing was asked is not waited for.
  const { hostname, port } = new URL(house.address);
  const silent = connect(Number(port), hostname);
  await once(silent, 'connect');
  await house.restart();
  silent.destroy();
  await until('the stream has ended', () => before.hasEnded);
  const after = await listen(show, '', { 'last-event-id': String(before.lastId) });
  await fan.at(house.address).reserve(show, ['S-2']);
  // The same sequence as before is a state that is known, so there is nothing to be told but what is new.
  await after.next('the next hold', (event) => event.event === 'reset' || tells(1, 1)(event));
  expect(field(after.events[0]?.data, 'version')).toBe(1);
});
