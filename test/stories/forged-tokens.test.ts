import { accessToken } from '@tutti/contracts';
import { generateKeyPair, randomBytes, randomUUID, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import {
  bodyOf,
  exampleOf,
  fill,
  isProtected,
  nameOf,
  readDocument,
  routesOf,
} from '../support/api-document.ts';
import { contentsOf } from '../support/contents.ts';
import { openHouse } from '../support/house.ts';
import { LogBook } from '../support/log-book.ts';
import { faultsOf } from '../support/problems.ts';
import { sendRaw } from '../support/raw.ts';
import { token } from '../support/tokens.ts';

const log = new LogBook();
const house = await openHouse({ LOG_LEVEL: 'trace' }, log);
const [fan, other] = [await house.fan(), await house.fan()];
const promoter = await house.promoter();
const before = await contentsOf(house);
const protectedRoutes = routesOf(await readDocument(house.address)).filter(isProtected);
afterAll(() => house.stop());

const key = house.accessTokenKey;
const header = { alg: 'HS256', typ: accessToken.type };
const now = Math.floor(Date.now() / 1_000);
// A promoter's, so that nothing but the token itself can be what is refused.
const claims = {
  userId: promoter.userId,
  sessionId: randomUUID(),
  role: 'promoter',
  aud: accessToken.audience,
  iat: now,
  exp: now + 3_600,
};
const [head = '', payload = '', signature = ''] = promoter.accessToken.split('.');
const without = (name: string): object =>
  Object.fromEntries(Object.entries(claims).filter(([field]) => field !== name));
const parted = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
// Not in this thread, which is the gateway's too: it would find itself overloaded.
const rsa = await promisify(generateKeyPair)('rsa', { modulusLength: 2_048 });
const publicKey = Buffer.from(rsa.publicKey.export({ type: 'spki', format: 'pem' }));

function signedByRsa(more: object): string {
  const signed = `${parted({ alg: 'RS256', typ: accessToken.type, ...more })}.${parted(claims)}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), rsa.privateKey).toString('base64url')}`;
}

const forged: Record<string, string> = {
  'no algorithm': token(key, { ...header, alg: 'none' }, claims, null),
  'no algorithm, in capitals': token(key, { ...header, alg: 'NONE' }, claims, null),
  'no algorithm, but a signature': token(key, { ...header, alg: 'none' }, claims),
  'no signature': token(key, header, claims, null),
  'another key': token(randomBytes(32), header, claims),
  'an empty key': token(Buffer.alloc(0), header, claims),
  'a public key as the secret': token(publicKey, header, claims),
  'its own key inside': token(
    randomBytes(32),
    { ...header, jwk: { kty: 'oct', k: 'AAAA' }, jku: house.address },
    claims,
  ),
  'a key of its choice by path': token(Buffer.alloc(0), { ...header, kid: '../../dev/null' }, claims),
  HS512: token(key, { ...header, alg: 'HS512' }, claims, 'sha512'),
  'HS384 said, HS256 done': token(key, { ...header, alg: 'HS384' }, claims),
  RS256: signedByRsa({}),
  'RS256 with its key': signedByRsa({ jwk: rsa.publicKey.export({ format: 'jwk' }) }),
  'another type': token(key, { ...header, typ: 'JWT' }, claims),
  'a queue token': token(key, { ...header, typ: 'queue+jwt' }, claims),
  'no type': token(key, { alg: 'HS256' }, claims),
  'a critical extension': token(key, { ...header, crit: ['x'], x: 1 }, claims),
  'another audience': token(key, header, { ...claims, aud: 'elsewhere' }),
  'no audience': token(key, header, without('aud')),
  'over for a second': token(key, header, { ...claims, exp: now - 1 }),
  'over for long': token(key, header, { ...claims, iat: 0, exp: 1 }),
  'no end': token(key, header, without('exp')),
  'an end in words': token(key, header, { ...claims, exp: 'tomorrow' }),
  'not yet begun': token(key, header, { ...claims, nbf: now + 600 }),
  'no user': token(key, header, without('userId')),
  'a user that is a number': token(key, header, { ...claims, userId: 1 }),
  'no session': token(key, header, without('sessionId')),
  'no role': token(key, header, without('role')),
  'an unknown role': token(key, header, { ...claims, role: 'root' }),
  'a list of roles': token(key, header, { ...claims, role: ['promoter'] }),
  'claims that are a list': token(key, header, [claims]),
  'claims that are null': `${parted(header)}.bnVsbA.${signature}`,
  'a raised role under a fan’s signature': `${head}.${parted({ ...claims, userId: fan.userId })}.${fan.accessToken.split('.')[2]}`,
  'the claims of another': `${head}.${other.accessToken.split('.')[1]}.${fan.accessToken.split('.')[2]}`,
  'cut short by one': promoter.accessToken.slice(0, -1),
  'cut in half': promoter.accessToken.slice(0, promoter.accessToken.length / 2),
  'without its signature': `${head}.${payload}`,
  'with an empty signature': `${head}.${payload}.`,
  'with half a signature': `${head}.${payload}.${signature.slice(0, 20)}`,
  'with one part more': `${promoter.accessToken}.${signature}`,
  'with padding': `${promoter.accessToken}=`,
  'with another last letter':
    promoter.accessToken.slice(0, -1) + (promoter.accessToken.endsWith('A') ? 'Q' : 'A'),
  'its parts in another order': `${payload}.${head}.${signature}`,
  'only dots': '..',
  'a text': 'null',
  'a very long text': 'a'.repeat(12_000),
};

const words: Record<string, Record<string, string | string[]>> = {
  'no header': {},
  'an empty header': { authorization: '' },
  'no token': { authorization: 'Bearer' },
  'a space for a token': { authorization: 'Bearer ' },
  'another scheme': { authorization: `Basic ${promoter.accessToken}` },
  'the bare token': { authorization: promoter.accessToken },
  'two tokens': { authorization: `Bearer ${promoter.accessToken} ${promoter.accessToken}` },
  'a token in quotes': { authorization: `Bearer "${promoter.accessToken}"` },
  'a list of tokens': { authorization: `Bearer ${promoter.accessToken}, Bearer ${promoter.accessToken}` },
  'another header': {
    'x-access-token': promoter.accessToken,
    'proxy-authorization': `Bearer ${promoter.accessToken}`,
  },
  'a header of ours inside': { 'x-user-id': promoter.userId, 'x-role': 'promoter' },
  'another cookie': { cookie: `session=${promoter.accessToken}; __host-session=${promoter.accessToken}` },
  'a forged cookie': { cookie: `__Host-session=${forged['another key'] ?? ''}` },
};

const attempts = [
  ...Object.entries(forged).map(([what, forgedToken]) => ({
    what,
    headers: { authorization: `Bearer ${forgedToken}` },
  })),
  ...Object.entries(words).map(([what, headers]) => ({ what, headers })),
];

describe.each(protectedRoutes.map((route) => ({ name: nameOf(route), route })))('$name', ({ route }) => {
  test('lets nobody in with a token that is not ours', async () => {
    const schema = bodyOf(route);
    const path = fill(route, (name) => (name === 'concertId' ? 'show' : randomUUID()));
    const body = schema && {
      'content-type': 'application/json',
      'idempotency-key': randomUUID(),
      'if-match': '"1-x"',
    };
    const wrong: string[] = [];
    for (const { what, headers } of attempts) {
      const reply = await sendRaw(house.address, {
        method: route.method,
        path: `${path}?access_token=${promoter.accessToken}`,
        headers: { ...body, ...headers },
        ...(schema && { body: JSON.stringify(exampleOf(schema)) }),
      });
      const faults = faultsOf(reply);
      if (!reply.text.includes('"code":"unauthenticated"'))
        faults.push(`${reply.status} ${reply.text.slice(0, 200)}`);
      if (faults.length > 0) wrong.push(`${what}: ${faults.join(', ')}`);
    }
    expect(wrong).toEqual([]);
  });
});

test('the token that all of them were made from is good, and one made by hand is as good', async () => {
  for (const one of [promoter.accessToken, token(key, header, claims)]) {
    const headers = { authorization: `Bearer ${one}` };
    const reply = await sendRaw(house.address, { method: 'GET', path: '/api/v1/admin/operations', headers });
    expect(reply.status).toBe(200);
  }
});

test('nothing of this changed anything or told a token to the log', async () => {
  expect(await contentsOf(house)).toEqual(before);
  expect(log.length).toBeGreaterThan(attempts.length);
  expect(log.indiscreet([signature])).toEqual([]);
});
