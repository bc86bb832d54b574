import { admissionToken, queueToken } from '@tutti/contracts';
import { until } from '@tutti/kit/testing';
import { generateKeyPair, randomBytes, randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { field, text, type Fan } from '../support/client.ts';
import { openHouse, type House } from '../support/house.ts';
import { askIn, codeOf, goIn, guardedSale, join, placeOf, reserveWith } from '../support/line.ts';
import { LogBook } from '../support/log-book.ts';
import { claimsOf, token } from '../support/tokens.ts';

const log = new LogBook();
let house: House;
let sale: string;
let fan: Fan;
let admission: string;
beforeAll(async () => {
  house = await openHouse({ LOG_LEVEL: 'trace' }, log);
  sale = await guardedSale(house, { inside: 20, seats: 100 });
  fan = await house.fan(100_000);
  admission = await goIn(fan, sale);
  // The gateway hears of a new waiting room within two seconds; until then the seats refuse.
  await until(
    'the gate knows',
    async () => log.length > 0 && codeOf(await reserve('x')) === '403 admission_invalid',
  );
});
afterAll(() => house.stop());

const reserve = (given: string | undefined, who: Fan = fan, seat = 'S-1', key?: string) =>
  reserveWith(who, sale, [seat], given, key);
const now = () => Math.floor(Date.now() / 1_000);
const header = { alg: 'HS256', typ: admissionToken.type };
const claims = (): Record<string, unknown> => ({
  concertId: sale,
  userId: fan.userId,
  number: 1,
  generation: 1,
  aud: admissionToken.audience,
  iat: now(),
  exp: now() + 600,
});

describe('the route that reserves', () => {
  test('lets nobody in without an admission', async () => {
    expect(codeOf(await reserve(undefined))).toBe('403 admission_required');
  });

  test('says of an admission of ours whose time is over that it is', async () => {
    const over = token(house.admissionTokenKey, header, { ...claims(), exp: now() - 1 });
    expect(codeOf(await reserve(over))).toBe('403 admission_expired');
  });

  test('takes no admission that is not ours', async () => {
    const key = house.admissionTokenKey;
    // Not in this thread, which is the gateway's too: it would find itself overloaded.
    const rsa = await promisify(generateKeyPair)('rsa', { modulusLength: 2_048 });
    const publicKey = Buffer.from(rsa.publicKey.export({ type: 'spki', format: 'pem' }));
    const [head = '', body = '', signature = ''] = admission.split('.');
    const [place] = [await placeOf(fan, sale)];
    const wrong: Record<string, string> = {
      'no algorithm': token(key, { ...header, alg: 'none' }, claims(), null),
      'no signature': token(key, header, claims(), null),
      HS512: token(key, { ...header, alg: 'HS512' }, claims(), 'sha512'),
      'HS384 said, HS256 done': token(key, { ...header, alg: 'HS384' }, claims()),
      'another key': token(randomBytes(32), header, claims()),
      'an empty key': token(Buffer.alloc(0), header, claims()),
      'a public key as the secret': token(publicKey, header, claims()),
      'a key of its choice by path': token(Buffer.alloc(0), { ...header, kid: '../../dev/null' }, claims()),
      'the key of access tokens': token(house.accessTokenKey, header, claims()),
      'another type': token(key, { ...header, typ: 'JWT' }, claims()),
      'no type': token(key, { alg: 'HS256' }, claims()),
      'the type of a place': token(key, { ...header, typ: queueToken.type }, claims()),
      'another audience': token(key, header, { ...claims(), aud: queueToken.audience }),
      'no audience': token(key, header, { ...claims(), aud: undefined }),
      'no end': token(key, header, { ...claims(), exp: undefined }),
      'no number': token(key, header, { ...claims(), number: undefined }),
      'a place in line': place.queueToken,
      'an access token': fan.accessToken,
      'another concert': token(key, header, { ...claims(), concertId: 'elsewhere' }),
      'another fan': token(key, header, { ...claims(), userId: randomUUID() }),
      'without its signature': `${head}.${body}.`,
      'another body under its signature': `${head}.${Buffer.from(JSON.stringify({ ...claims(), generation: 2 })).toString('base64url')}.${signature}`,
      'only dots': '..',
      'a very long text': 'a'.repeat(8_000),
    };
    const told: Record<string, string> = {};
    for (const [what, given] of Object.entries(wrong)) told[what] = codeOf(await reserve(given));
    expect(told).toEqual(
      Object.fromEntries(Object.keys(wrong).map((what) => [what, '403 admission_invalid'])),
    );
  });

  test('takes a good one from nobody but its fan', async () => {
    const other = await house.fan();
    expect(codeOf(await reserve(admission, other))).toBe('403 admission_invalid');
  });

  test('takes what was signed but never recorded for as little as a forged one', async () => {
    const invented = token(house.admissionTokenKey, header, { ...claims(), generation: 7 });
    expect(codeOf(await reserve(invented))).toBe('403 admission_invalid');
  });

  test('knows by the transaction that reserves which of two tokens is the newer; the older is void', async () => {
    const twice = await house.fan();
    const first = await goIn(twice, sale);
    const second = await goIn(twice, sale);
    expect(claimsOf(second)).toMatchObject({ generation: 2 });
    expect(codeOf(await reserve(first, twice, 'S-10'))).toBe('403 admission_invalid');
    expect((await reserve(second, twice, 'S-10')).status).toBe(201);
  });

  test('makes of the same key with a newer token the same request, which then is done once', async () => {
    const twice = await house.fan();
    const [first, second] = [await goIn(twice, sale), await goIn(twice, sale)];
    const key = randomUUID();
    // Refused by the saga, not at the gate: the signature is good.
    expect(codeOf(await reserve(first, twice, 'S-20', key))).toBe('403 admission_invalid');
    const done = await reserve(second, twice, 'S-20', key);
    expect(done.status).toBe(201);
    const again = await reserve(first, twice, 'S-20', key);
    expect(again.text).toBe(done.text);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect((await reserve(second, twice, 'S-21', key)).status).toBe(422);
  });

  test('tells who asks again under a key what was answered, also when their time inside is over', async () => {
    const late = await house.fan();
    const key = randomUUID();
    const done = await reserve(await goIn(late, sale), late, 'S-25', key);
    expect(done.status).toBe(201);
    const over = token(house.admissionTokenKey, header, { ...claims(), userId: late.userId, exp: now() - 1 });
    const again = await reserve(over, late, 'S-25', key);
    expect(again.text).toBe(done.text);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(codeOf(await reserve(over, late, 'S-26', key))).toBe('422 idempotency_key_reused');
    expect(codeOf(await reserve(over, late, 'S-26'))).toBe('403 admission_expired');
    expect(codeOf(await reserve(over, fan, 'S-25', key))).toBe('403 admission_expired');
  });

  test('is closed behind a payment; who holds something may pay without any token', async () => {
    const [buyer, third] = [await house.fan(100_000), await house.fan()];
    const own = await goIn(buyer, sale);
    const [one, two] = [await reserve(own, buyer, 'S-30'), await reserve(own, buyer, 'S-31')];
    expect([one.status, two.status]).toEqual([201, 201]);
    expect((await buyer.pay(text(one.body, 'reservationId'))).status).toBe(201);
    expect(codeOf(await reserve(own, buyer, 'S-32'))).toBe('403 admission_expired');
    // A newer token of the same visit is as used up. Somebody waits, so there is no other visit yet.
    await join(third, sale);
    const { queueToken: place } = await placeOf(buyer, sale);
    const asked = await askIn(buyer, sale, place);
    expect(asked.status === 201 || codeOf(asked) === '409 not_your_turn').toBe(true);
    if (asked.status === 201)
      expect(codeOf(await reserve(text(asked.body, 'admissionToken'), buyer, 'S-32'))).toMatch(
        /^403 admission_/,
      );
    expect((await buyer.pay(text(two.body, 'reservationId'))).status).toBe(201);
  });
});

test('nobody goes in by a place that is not theirs', async () => {
  const other = await house.fan();
  const { queueToken: place } = await placeOf(fan, sale);
  await join(other, sale);
  expect(codeOf(await askIn(other, sale, place))).toBe('403 queue_token_invalid');
  expect(codeOf(await askIn(fan, sale, `${place}x`))).toBe('403 queue_token_invalid');
  expect(codeOf(await askIn(fan, sale, admission))).toBe('403 queue_token_invalid');
  const elsewhere = await guardedSale(house);
  expect(codeOf(await askIn(fan, elsewhere, place))).toBe('403 queue_token_invalid');
});

test('the public document is the same for everybody, cacheable, and says nothing of anybody', async () => {
  const headers = { authorization: `Bearer ${fan.accessToken}`, cookie: 'a=b' };
  const [mine, anybody] = await Promise.all([
    fetch(`${house.address}/api/v1/concerts/${sale}/queue`, { headers }),
    fetch(`${house.address}/api/v1/concerts/${sale}/queue`),
  ]);
  expect(mine.headers.get('cache-control')).toMatch(/^public, max-age=[12], stale-while-revalidate=\d+$/);
  for (const name of ['set-cookie', 'vary']) expect(mine.headers.get(name)).toBeNull();
  const [said, known] = [await mine.text(), await anybody.text()];
  expect(Object.keys(JSON.parse(said))).toEqual(Object.keys(JSON.parse(known)));
  expect(said).not.toContain(fan.userId);
  expect(Buffer.byteLength(said)).toBeLessThan(1_000);
  expect(field(JSON.parse(said), 'seatsLeft')).toMatchObject([{ price: 1_000 }]);
});

test('no token was told to the log', () => {
  expect(log.indiscreet([admission.split('.')[2] ?? ''])).toEqual([]);
});
