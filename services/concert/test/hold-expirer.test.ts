import { Lease } from '@tutti/kit/lock';
import { createLog } from '@tutti/kit/service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HoldExpirer } from '../src/hold-expirer.ts';
import { openHall, type Hall } from './hall.fixture.ts';

let hall: Hall;
beforeAll(async () => {
  hall = await openHall();
});
afterAll(() => hall.close());

const leaseOf = (owner: string): Lease =>
  new Lease({ database: hall.database, name: 'expire-holds', owner, seconds: 60 });

const expire = (fence: number | null) => hall.session().run('select expire_holds($1, 100)', [fence]);

test('an owner that slept through the end of its lease cannot end a hold: the fence is checked at the row', async () => {
  const show = await hall.show(1);
  const { id } = await hall.reserved(show, ['S-1']);
  await hall.endsIn(id, -1);
  const stale = await leaseOf('asleep').take();
  await hall.database.query(`update lease set until = now() - interval '1 second'`);
  const fresh = await leaseOf('awake').take();
  await expect(expire(stale)).rejects.toThrow('the lease has another owner');
  expect((await hall.reservation(id)).status).toBe('reserved');
  await expire(fresh);
  expect((await hall.reservation(id)).status).toBe('expired');
  expect(await hall.seats(show)).toEqual(['available']);
});

test('a hold is never ended before its time, and all that are due are ended', async () => {
  await hall.database.query('delete from lease');
  const show = await hall.show(4);
  const [due, alsoDue, early] = [
    await hall.reserved(show, ['S-1']),
    await hall.reserved(show, ['S-2', 'S-3']),
    await hall.reserved(show, ['S-4']),
  ];
  await hall.endsIn(due.id, -5);
  await hall.endsIn(alsoDue.id, 0);
  await hall.endsIn(early.id, 30);
  const lease = leaseOf('only');
  // Before it exists: its own timer would do it otherwise, if this took long.
  const fence = (await lease.take()) ?? -1;
  const expirer = new HoldExpirer({ database: hall.database, lease, log: createLog('silent') });
  try {
    expect(await expirer.expire(fence)).toBe(2);
    expect(await hall.seats(show)).toEqual(['available', 'available', 'available', `reserved ${early.id}`]);
  } finally {
    await expirer.stop();
  }
});
