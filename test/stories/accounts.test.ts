import { until } from '@tutti/kit/testing';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { field, request, text, type Reply } from '../support/client.ts';
import { openHouse, type House } from '../support/house.ts';
import { LogBook } from '../support/log-book.ts';
import { claimsOf, token } from '../support/tokens.ts';

const password = 'correct horse battery';
const log = new LogBook();
let house: House;
beforeAll(async () => {
  house = await openHouse({ LOG_LEVEL: 'trace' }, log);
});
afterAll(() => house.stop());

type Extra = { headers?: Record<string, string>; body?: object };
const call = (method: string, path: string, extra: Extra = {}): Promise<Reply> =>
  request(house.address, method, `/api/v1${path}`, extra);
const bearer = (accessToken: string) => ({ headers: { authorization: `Bearer ${accessToken}` } });
const me = (accessToken: string): Promise<Reply> => call('GET', '/users/me', bearer(accessToken));

const signUp = (email: string): Promise<Reply> =>
  call('POST', '/users', { body: { name: 'Mina', email, password } });
const signIn = (body: object): Promise<Reply> => call('POST', '/sessions', { body });

async function newFan(): Promise<{ email: string; userId: string; accessToken: string }> {
  const email = `${randomUUID()}@fans.example`;
  const userId = text((await signUp(email)).body, 'userId');
  return { email, userId, accessToken: text((await signIn({ email, password })).body, 'accessToken') };
}

/** Signs in for a web page; returns the cookie as a browser sends it back. */
async function cookieOf(email: string): Promise<{ reply: Reply; attributes: string[]; cookie: string }> {
  const reply = await signIn({ email, password, cookie: true });
  const [cookie = '', ...attributes] = (reply.headers.get('set-cookie') ?? '').split('; ');
  return { reply, attributes, cookie };
}

test('a fan signs up, signs in and is told who they are', async () => {
  const email = 'Mina@Fans.Example';
  const signedUp = await signUp(email);
  expect(signedUp.status).toBe(201);
  const userId = text(signedUp.body, 'userId');
  expect(signedUp.body).toEqual({ userId, name: 'Mina', email: 'mina@fans.example' });
  const session = await signIn({ email: 'MINA@fans.example', password });
  expect(session.status).toBe(201);
  expect(session.headers.get('set-cookie')).toBeNull();
  expect(session.headers.get('cache-control')).toBe('no-store');
  const accessToken = text(session.body, 'accessToken');
  expect(session.body).toEqual({ accessToken, userId, expiresAt: text(session.body, 'expiresAt') });
  expect((await me(accessToken)).body).toEqual({
    userId,
    name: 'Mina',
    email: 'mina@fans.example',
    role: 'fan',
  });
});

test('an e-mail address has one account, however it is written and however many ask at once', async () => {
  const email = `${randomUUID()}@fans.example`;
  const replies = await Promise.all(
    [email, email.toUpperCase(), email, email.replace('fans', 'Fans')].map((one) => signUp(one)),
  );
  expect(replies.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409, 409, 409]);
  expect((await signUp(email.toUpperCase())).body).toMatchObject({ status: 409, code: 'email_taken' });
});

test('a wrong password and an unknown address are answered alike', async () => {
  const { email } = await newFan();
  const wrong = await signIn({ email, password: 'another password' });
  const unknown = await signIn({ email: `${randomUUID()}@fans.example`, password });
  expect(wrong.body).toMatchObject({ status: 401, code: 'invalid_credentials' });
  const told = ({ status, headers, body }: Reply) => ({
    status,
    headers: [...headers].filter(([name]) => name !== 'date'),
    body: { ...Object(body), traceId: undefined },
  });
  expect(told(unknown)).toEqual(told(wrong));
  expect(field(unknown.body, 'traceId')).not.toBe(field(wrong.body, 'traceId'));
});

test('signing out ends that session at once, and no other', async () => {
  const { email, accessToken } = await newFan();
  const other = text((await signIn({ email, password })).body, 'accessToken');
  expect((await call('DELETE', '/sessions/current', bearer(accessToken))).status).toBe(204);
  const refused = await me(accessToken);
  expect(refused.body).toMatchObject({ status: 401, code: 'unauthenticated' });
  expect(refused.headers.get('www-authenticate')).toBe('Bearer');
  expect((await call('DELETE', '/sessions/current', bearer(accessToken))).status).toBe(401);
  expect((await me(other)).status).toBe(200);
});

test('a session outlives a restart, and one that was ended stays ended', async () => {
  const { email, accessToken } = await newFan();
  const ended = text((await signIn({ email, password })).body, 'accessToken');
  await call('DELETE', '/sessions/current', bearer(ended));
  await house.restart();
  expect((await me(accessToken)).status).toBe(200);
  expect((await me(ended)).status).toBe(401);
});

test('a session that was ended stays ended, also when its token was signed by a clock that is an hour ahead', async () => {
  const { accessToken } = await newFan();
  await call('DELETE', '/sessions/current', bearer(accessToken));
  // Twelve hours and a half later such a token still has half an hour to live.
  await house.databases.user.query(
    `update ended_session set expires_at = expires_at - interval '12.5 hours'`,
  );
  await house.restart();
  expect((await me(accessToken)).status).toBe(401);
});

test('a session lasts 12 hours', async () => {
  const { email, userId } = await newFan();
  const hours = 12 * 3_600;
  const { body } = await signIn({ email, password });
  const claims = claimsOf(text(body, 'accessToken'));
  expect(Number(field(claims, 'exp')) - Number(field(claims, 'iat'))).toBe(hours);
  const left = Date.parse(text(body, 'expiresAt')) - Date.now();
  expect(left).toBeGreaterThan(hours * 1_000 - 10_000);
  expect(left).toBeLessThanOrEqual(hours * 1_000);
  // The last seconds of one: it is good until its end, also for a gateway that has seen it before.
  const exp = Math.floor(Date.now() / 1_000) + 4;
  const ending = token(
    house.accessTokenKey,
    { alg: 'HS256', typ: 'at+jwt' },
    { userId, sessionId: randomUUID(), role: 'fan', aud: 'tutti', exp },
  );
  expect((await me(ending)).status).toBe(200);
  await until('it has ended', async () => (await me(ending)).status === 401);
  expect(Date.now()).toBeGreaterThanOrEqual(exp * 1_000);
});

test('a web page gets a cookie that no script can read, and no token', async () => {
  const { email, userId } = await newFan();
  const { reply, attributes, cookie } = await cookieOf(email);
  expect(reply.body).toEqual({ userId, expiresAt: text(reply.body, 'expiresAt') });
  expect(cookie).toMatch(/^__Host-session=[\w.-]+$/);
  expect(attributes).toEqual(expect.arrayContaining(['Path=/', 'Secure', 'HttpOnly', 'SameSite=Lax']));
  expect(attributes.filter((one) => one.startsWith('Domain'))).toEqual([]);
  const [expires = ''] = attributes.filter((one) => one.startsWith('Expires='));
  const seconds = (Date.parse(text(reply.body, 'expiresAt')) - Date.parse(expires.slice(8))) / 1_000;
  expect(Math.abs(seconds)).toBeLessThan(1);
  expect((await call('GET', '/users/me', { headers: { cookie } })).body).toMatchObject({ userId });
  expect((await call('GET', '/users/me', { headers: { cookie: `a=b; ${cookie}; c=d` } })).status).toBe(200);
  const origin = house.address;
  const signedOut = await call('DELETE', '/sessions/current', { headers: { cookie, origin } });
  expect(signedOut.headers.get('set-cookie')).toMatch(/^__Host-session=; .*Max-Age=0/);
  expect((await call('GET', '/users/me', { headers: { cookie } })).status).toBe(401);
});

test('with a cookie an effect must come from our own pages', async () => {
  const { email } = await newFan();
  const { cookie } = await cookieOf(email);
  const charge = (headers: Record<string, string>): Promise<Reply> =>
    call('POST', '/points/charges', {
      headers: { cookie, 'idempotency-key': randomUUID(), ...headers },
      body: { amount: 5 },
    });
  const { host, port } = new URL(house.address);
  const foreign = [
    'https://evil.example',
    'null',
    '',
    host,
    `http://127.0.0.1:${Number(port) + 1}`,
    `http://${host}.evil.example`,
  ];
  for (const headers of [{}, ...foreign.map((origin) => ({ origin }))]) {
    const refused = await charge(headers);
    expect(refused.body, JSON.stringify(headers)).toMatchObject({ status: 403, code: 'csrf_rejected' });
  }
  expect((await call('DELETE', '/sessions/current', { headers: { cookie } })).status).toBe(403);
  expect(
    (await call('GET', '/points', { headers: { cookie, origin: 'https://evil.example' } })).body,
  ).toEqual({ balance: 0 });
  expect((await charge({ origin: house.address })).body).toMatchObject({ balance: 5 });
});

test('a bearer token wins over the cookie', async () => {
  const [one, other] = [await newFan(), await newFan()];
  const { cookie } = await cookieOf(one.email);
  const both = { cookie, authorization: `Bearer ${other.accessToken}` };
  expect((await call('GET', '/users/me', { headers: both })).body).toMatchObject({ userId: other.userId });
  const charged = await call('POST', '/points/charges', {
    headers: { ...both, 'idempotency-key': 'k' },
    body: { amount: 5 },
  });
  expect(charged.status).toBe(201);
  expect((await call('GET', '/points', { headers: { cookie } })).body).toEqual({ balance: 0 });
  for (const authorization of ['Bearer nonsense', 'Basic bWluYTpwdw==', 'Bearer'])
    expect((await call('GET', '/users/me', { headers: { cookie, authorization } })).status).toBe(401);
});

test('a promoter edits the concert that was read, and nobody else does', async () => {
  const concertId = await house.performance(1);
  const [promoter, fan] = [await house.promoter(), await house.fan()];
  const edit = (accessToken: string, headers: Record<string, string>, title = 'Encore') =>
    call('PUT', `/admin/concerts/${concertId}`, {
      headers: { authorization: `Bearer ${accessToken}`, ...headers },
      body: { title },
    });
  const read = await call('GET', `/concerts/${concertId}`);
  const etag = read.headers.get('etag') ?? '';
  expect((await edit(promoter.accessToken, {})).body).toMatchObject({
    status: 428,
    code: 'version_required',
  });
  expect((await edit(fan.accessToken, { 'if-match': etag })).body).toMatchObject({
    status: 403,
    code: 'role_required',
  });
  const edited = await edit(promoter.accessToken, { 'if-match': etag });
  expect(edited.status).toBe(200);
  expect(edited.body).toMatchObject({
    concertId,
    title: 'Encore',
    translations: { en: { title: 'Encore' } },
  });
  const stale = await edit(promoter.accessToken, { 'if-match': etag }, 'Too late');
  expect(stale.body).toMatchObject({ status: 412, code: 'version_conflict' });
  const now = await call('GET', `/concerts/${concertId}`);
  expect(now.headers.get('etag')).toBe(edited.headers.get('etag'));
  expect(now.headers.get('etag')).not.toBe(etag);
  expect(now.body).toEqual(edited.body);
  expect(
    (await edit(promoter.accessToken, { 'if-match': now.headers.get('etag') ?? '' }, 'Again')).status,
  ).toBe(200);
  const unknown = await call('PUT', '/admin/concerts/nowhere', {
    headers: { authorization: `Bearer ${promoter.accessToken}`, 'if-match': etag },
    body: {},
  });
  expect(unknown.body).toMatchObject({ status: 404, code: 'concert_not_found' });
});

test('of two promoters who edit what both read, one is told', async () => {
  const concertId = await house.performance(1);
  const promoter = await house.promoter();
  const etag = (await call('GET', `/concerts/${concertId}`)).headers.get('etag') ?? '';
  const edits = await Promise.all(
    ['One', 'Two', 'Three'].map((title) =>
      call('PUT', `/admin/concerts/${concertId}`, {
        headers: { authorization: `Bearer ${promoter.accessToken}`, 'if-match': etag },
        body: { title },
      }),
    ),
  );
  expect(edits.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412, 412]);
});

test('who asks too often is told when to come back, and nobody else is', async () => {
  const small = await openHouse(
    { RATE_LIMITS: 'requests=4/600,effects=2/600,sign-ins=2/600', LOG_LEVEL: 'trace' },
    log,
  );
  try {
    const [fan, other] = [await small.fan(), await small.fan()];
    const limited = (reply: Reply | undefined) => {
      expect(reply?.body).toMatchObject({ status: 429, code: 'rate_limited' });
      expect(Number(reply?.headers.get('retry-after'))).toBeGreaterThan(60);
    };
    const charges = [await fan.charge(1), await fan.charge(1), await fan.charge(1)];
    expect(charges.map(({ status }) => status)).toEqual([201, 201, 429]);
    limited(charges[2]);
    expect((await fan.get('/api/v1/points')).body).toEqual({ balance: 2 });
    limited(await fan.get('/api/v1/points'));
    expect((await other.get('/api/v1/points')).status).toBe(200);
    const tries = (email: string): Promise<Reply> =>
      request(small.address, 'POST', '/api/v1/sessions', { body: { email, password } });
    expect((await tries('a@fans.example')).status).toBe(401);
    expect((await tries('A@fans.example')).status).toBe(401);
    limited(await tries('a@FANS.example'));
    expect((await tries('b@fans.example')).status).toBe(401);
  } finally {
    await small.stop();
  }
});

test('none of this left a token, a password or an address in the log', () => {
  expect(log.length).toBeGreaterThan(50);
  expect(log.indiscreet([password, 'another password'])).toEqual([]);
});
