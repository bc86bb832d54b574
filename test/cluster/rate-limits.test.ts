import { until } from '@tutti/kit/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Reply } from '../support/client.ts';
import { openHouse, type House } from '../support/house.ts';

// Two gateways count together, in Redis.
let house: House;
beforeAll(async () => {
  house = await openHouse({ RATE_LIMITS: 'requests=1000/10,effects=7/3600,sign-ins=30/60' });
});
afterAll(() => house.stop());

test('a fan has one limit, whichever gateway is asked', async () => {
  const other = await house.fan();
  let refused: Reply | undefined;
  // A gateway that Redis kept waiting for 100 ms goes by its own count for a second: then another fan tries. If each gateway
  // always did, all twelve would be let in every time.
  const areCounted = async () => {
    const fan = await house.fan();
    // Side by side, so that the balancer spreads them.
    const answers = await Promise.all(Array.from({ length: 12 }, () => fan.charge(1)));
    const answeredWith = (wanted: number) => answers.filter(({ status }) => status === wanted);
    [refused] = answeredWith(429);
    return answeredWith(201).length === 7 && answeredWith(429).length === 5;
  };
  await until('seven of twelve are let in', areCounted, 30_000);
  expect(refused?.body).toMatchObject({ code: 'rate_limited' });
  expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(100);
  expect((await other.charge(1)).status).toBe(201);
});
