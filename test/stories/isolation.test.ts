import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  bodyOf,
  exampleOf,
  fill,
  isEffect,
  isProtected,
  nameOf,
  pathNames,
  readDocument,
  routesOf,
  type Route,
} from '../support/api-document.ts';
import { field, list, request, text, type Fan, type Reply } from '../support/client.ts';
import { openHouse } from '../support/house.ts';
import { LogBook } from '../support/log-book.ts';
import { faultsOf } from '../support/problems.ts';
import { sendRaw } from '../support/raw.ts';

const log = new LogBook();
const house = await openHouse({ LOG_LEVEL: 'trace' }, log);
const routes = routesOf(await readDocument(house.address));
afterAll(() => house.stop());

/** What the contract opens to everybody. */
const publicRoutes = [
  'POST /api/v1/users',
  'POST /api/v1/sessions',
  'GET /api/v1/concerts',
  'GET /api/v1/concerts/{concertId}',
  'GET /api/v1/concerts/{concertId}/performances',
  'GET /api/v1/concerts/{concertId}/queue',
  'GET /api/v1/performances/{performanceId}',
  'GET /api/v1/performances/{performanceId}/availability',
  'GET /api/v1/performances/{performanceId}/availability/stream',
  'GET /api/v1/performances/{performanceId}/best',
  'GET /api/v1/performances/{performanceId}/seat-map',
  'GET /api/v1/performances/{performanceId}/seats',
  'GET /api/v1/tickets/keys',
  'GET /healthz',
  'GET /readyz',
];
const email = 'alma@fans.example';
const name = 'Alma of the front row';
const password = 'alma likes the front row';

let show: string;
let alma: { userId: string; accessToken: string };
let bela: Fan;
/** What is Alma's alone: names in paths, then everything else that could give her away. */
let hers: Record<string, string>;
let secrets: string[];

const asAlma = (method: string, path: string, body?: object): Promise<Reply> =>
  request(house.address, method, `/api/v1${path}`, {
    headers: { authorization: `Bearer ${alma.accessToken}`, 'idempotency-key': randomUUID() },
    ...(body && { body }),
  });

beforeAll(async () => {
  const post = (path: string, body: object) => request(house.address, 'POST', `/api/v1${path}`, { body });
  const userId = text((await post('/users', { name, email, password })).body, 'userId');
  alma = { userId, accessToken: text((await post('/sessions', { email, password })).body, 'accessToken') };
  bela = await house.fan(10_000);
  show = await house.performance(3);
  await asAlma('POST', '/points/charges', { amount: 5_000 });
  const kept = await asAlma('POST', '/reservations', { performanceId: show, seatIds: ['S-1'] });
  const bought = await asAlma('POST', '/reservations', { performanceId: show, seatIds: ['S-2'] });
  const boughtId = text(bought.body, 'reservationId');
  const paid = await asAlma('POST', `/reservations/${boughtId}/payment`);
  hers = {
    reservationId: text(kept.body, 'reservationId'),
    operationId: (kept.headers.get('operation-location') ?? '').split('/').at(-1) ?? '',
  };
  const entries = list((await asAlma('GET', '/points/entries')).body, 'items').map((one) =>
    text(one, 'entryId'),
  );
  secrets = [
    email,
    name,
    userId,
    alma.accessToken,
    boughtId,
    text(paid.body, 'paymentId'),
    ...entries,
    ...Object.values(hers),
  ];
});

/** What Alma has, as she and the databases see it. */
async function almasThings(): Promise<unknown> {
  const paths = [
    '/users/me',
    '/reservations',
    '/points',
    '/points/entries',
    `/operations/${hers['operationId'] ?? ''}`,
  ];
  const seen = await Promise.all(paths.map(async (path) => (await asAlma('GET', path)).body));
  const seats = await house.databases.concert.query(
    `select s.id, s.status, s.reservation_id, r.version from seat s join reservation r on r.id = s.reservation_id
     where r.user_id = $1 order by s.id`,
    [alma.userId],
  );
  return { seen, seats };
}

/** Names in paths: hers where they are a fan's own, the show where they are everybody's. */
const common = (): Record<string, string> => ({
  concertId: show,
  performanceId: show,
  deliveryId: randomUUID(),
});

function call(route: Route, value: (name: string) => string, accessToken?: string): Promise<Reply> {
  const schema = bodyOf(route);
  // A wish that could be granted but for whose seat it is.
  const example =
    nameOf(route) === 'POST /api/v1/reservations'
      ? { performanceId: show, seatIds: ['S-1', 'S-3'] }
      : schema && exampleOf(schema);
  return sendRaw(house.address, {
    method: route.method,
    path: fill(route, value),
    headers: {
      ...(accessToken !== undefined && { authorization: `Bearer ${accessToken}` }),
      ...(isEffect(route) && { 'idempotency-key': randomUUID() }),
      ...(schema && { 'content-type': 'application/json' }),
      'if-match': '"1-x"',
    },
    ...(schema && { body: JSON.stringify(example) }),
  });
}

const valueOf = (theirs: Record<string, string>) => (one: string) => {
  const value = theirs[one] ?? common()[one];
  if (value === undefined) throw new Error(`Say whose ${one} is.`);
  return value;
};
const told = ({ status, body }: Reply): object => ({ status, ...Object(body), traceId: undefined });

/** A stream has no end; it is public and says what `availability` says. */
const ending = routes.filter(({ path }) => !path.endsWith('/stream'));

// Signing out ends the caller's own session; everything after it would be refused for that alone.
const asked = ending.filter((route) => nameOf(route) !== 'DELETE /api/v1/sessions/current');

describe.each(asked.map((route) => ({ name: nameOf(route), route })))('$name', ({ route }) => {
  test('shows another fan nothing of hers, and changes nothing', async () => {
    const before = await almasThings();
    const reply = await call(route, valueOf(hers), bela.accessToken);
    expect(secrets.filter((secret) => reply.text.includes(secret))).toEqual([]);
    expect(
      [...reply.headers].filter(([, value]) => secrets.some((secret) => value.includes(secret))),
    ).toEqual([]);
    const isHers = pathNames(route).some((one) => Object.hasOwn(hers, one));
    if (isHers) {
      expect(reply.status).toBe(404);
      // Not even that it exists.
      const unknown = valueOf(Object.fromEntries(Object.keys(hers).map((one) => [one, randomUUID()])));
      expect(told(await call(route, unknown, bela.accessToken))).toEqual(told(reply));
    }
    if (route.path.includes('/admin/')) expect(reply.status).toBe(403);
    expect(await almasThings()).toEqual(before);
  });
});

test('the contract’s public routes are public, and every other asks who is there', async () => {
  expect(
    routes
      .filter((route) => !isProtected(route))
      .map(nameOf)
      .toSorted(),
  ).toEqual(publicRoutes.toSorted());
  for (const route of ending) {
    const reply = await call(route, valueOf(hers));
    if (!isProtected(route)) expect(reply.text, nameOf(route)).not.toContain('"unauthenticated"');
    else {
      expect(reply.status, nameOf(route)).toBe(401);
      expect(faultsOf(reply)).toEqual([]);
    }
  }
});

test('a list’s cursor is of no use to another fan', async () => {
  for (const path of ['/reservations', '/points/entries']) {
    const cursor = text((await asAlma('GET', `${path}?limit=1`)).body, 'nextCursor');
    expect((await bela.get(`/api/v1${path}?cursor=${cursor}`)).body).toMatchObject({
      status: 400,
      code: 'invalid_cursor',
    });
  }
});

test('a key that another fan used is a new one', async () => {
  const key = randomUUID();
  const charge = (accessToken: string): Promise<Reply> =>
    request(house.address, 'POST', '/api/v1/points/charges', {
      headers: { authorization: `Bearer ${accessToken}`, 'idempotency-key': key },
      body: { amount: 7 },
    });
  const [first, second] = [await charge(alma.accessToken), await charge(bela.accessToken)];
  expect(second.status).toBe(201);
  expect(second.headers.get('idempotent-replayed')).toBeNull();
  expect(text(second.body, 'entryId')).not.toBe(text(first.body, 'entryId'));
});

test('signing out ends one’s own session, not another fan’s', async () => {
  const { accessToken } = await house.fan();
  const headers = { authorization: `Bearer ${accessToken}` };
  expect((await request(house.address, 'DELETE', '/api/v1/sessions/current', { headers })).status).toBe(204);
  expect((await asAlma('GET', '/users/me')).status).toBe(200);
  expect((await bela.get('/api/v1/users/me')).status).toBe(200);
});

test('Alma can still do all that was hers to do', async () => {
  const reservationId = hers['reservationId'] ?? '';
  expect((await asAlma('POST', `/reservations/${reservationId}/payment`)).status).toBe(201);
  const cancelled = await asAlma('POST', `/reservations/${reservationId}/cancellation`);
  expect(field(cancelled.body, 'returned')).toBe(1_000);
});

test('none of this left a token, a password or an address in the log', () => {
  expect(log.length).toBeGreaterThan(50);
  expect(log.indiscreet([password])).toEqual([]);
});
