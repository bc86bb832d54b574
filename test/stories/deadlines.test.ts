import { gate, until } from '@tutti/kit/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { field, text, type Fan } from '../support/client.ts';
import { openHouse, type House } from '../support/house.ts';

// These meet real deadlines (10 s), because what they show is how the deadlines of the fan, the saga and the database meet.
let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.stop());

/** Locks a table as a broken or overloaded database would seem locked; nothing that writes to it gets on until `open`. */
async function stall(
  service: 'payment' | 'concert' | 'orchestrator',
  table: string,
): Promise<() => Promise<void>> {
  const hold = gate();
  const holding = house.databases[service].transaction(async (tx) => {
    await tx.query('set local statement_timeout = 0');
    await tx.query(`lock table ${table} in exclusive mode`);
    await hold.pass();
  });
  await hold.reached;
  return () => {
    hold.open();
    return holding;
  };
}

const operationOf = async (fan: Fan, location: string): Promise<unknown> => (await fan.get(location)).body;

test('a charge whose service stands still is answered 202, ends timed out, takes nothing and says so for ever', async () => {
  const fan = await house.fan(5);
  const open = await stall('payment', 'wallet');
  const waited = await fan.charge(100, 'k');
  expect(waited.status).toBe(202);
  const location = waited.headers.get('location') ?? '';
  expect(location).toBe(waited.headers.get('operation-location'));
  expect(waited.body).toEqual({ operationId: location.split('/').at(-1), status: 'running' });
  // Its deadline has passed: the saga asks the payment service to settle and waits for that answer, it does not guess.
  expect(field(await operationOf(fan, location), 'status')).toBe('running');
  await open();
  await until(
    'it has ended',
    async () => field(await operationOf(fan, location), 'status') !== 'running',
    20_000,
  );
  let again = await fan.charge(100, 'k');
  // Shown as soon as it has ended, answered once its row says so.
  await until('its row is written', async () => {
    if (again.status === 409) again = await fan.charge(100, 'k');
    return again.status !== 409;
  });
  expect([201, 503]).toContain(again.status);
  const isDone = again.status === 201;
  if (!isDone) {
    expect(again.body).toMatchObject({ code: 'timed_out' });
    expect(again.headers.get('retry-after')).toMatch(/^\d+$/);
  }
  expect(await fan.balance()).toBe(isDone ? 105 : 5);
  expect((await fan.charge(100, 'k')).text).toBe(again.text);
  expect(await operationOf(fan, location)).toMatchObject(
    isDone ? { status: 'succeeded' } : { status: 'failed', code: 'timed_out' },
  );
});

test('what could not even be stored is answered 504, and the same key does it once', async () => {
  const fan = await house.fan(5);
  const open = await stall('orchestrator', 'saga');
  const unknown = await fan.post('/api/v1/points/charges', { amount: 7 }, 'k', { prefer: 'wait=1' });
  expect(unknown.status).toBe(504);
  expect(unknown.body).toMatchObject({ code: 'outcome_unknown' });
  await open();
  await until('the same key is answered', async () => (await fan.charge(7, 'k')).status === 201, 20_000);
  expect(await fan.balance()).toBe(12);
});

test('an account deleted while its reservation was on the way leaves a hold that ends by itself', async () => {
  const show = await house.performance(1);
  const fan = await house.fan();
  const open = await stall('concert', 'seat');
  const reserving = fan.reserve(show, ['S-1']);
  await until('the reservation waits for the seats', async () => {
    const waiting = await house.databases.concert.query(
      `select 1 from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock' and query like '%handle(%'`,
    );
    return waiting.length === 1;
  });
  await house.databases.user.query(
    `update account set name = null, email = null, password_hash = null, deleted_at = now() where id = $1`,
    [fan.userId],
  );
  await open();
  const reserved = await reserving;
  // The account was there when the saga asked for it; the next thing it asks for is refused.
  expect(reserved.status).toBe(201);
  const reservationId = text(reserved.body, 'reservationId');
  expect([401, 409]).toContain((await fan.pay(reservationId)).status);
  await house.databases.concert.query('update reservation set expires_at = now() where id = $1', [
    reservationId,
  ]);
  const other = await house.fan();
  await until('the seat is free', async () => (await other.reserve(show, ['S-1'])).status === 201);
});
