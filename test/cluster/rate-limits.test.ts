import { afterAll, beforeAll, expect, test } from 'vitest';
import { openHouse, type House } from '../support/house.ts';

// Two gateways count together, in Redis.
let house: House;
beforeAll(async () => {
  house = await openHouse({ RATE_LIMITS: 'requests=1000/10,effects=7/3600,sign-ins=30/60' });
});
afterAll(() => house.stop());

test('a fan has one limit, whichever gateway is asked', async () => {
  const [fan, other] = [await house.fan(), await house.fan()];
  // Side by side, so that the balancer spreads them.
  const answers = await Promise.all(Array.from({ length: 12 }, () => fan.charge(1)));
  const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
  expect(statuses).toEqual([...Array(7).fill(201), ...Array(5).fill(429)]);
  const refused = answers.find(({ status }) => status === 429);
  expect(refused?.body).toMatchObject({ code: 'rate_limited' });
  expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(100);
  expect((await other.charge(1)).status).toBe(201);
});
