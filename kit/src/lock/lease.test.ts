import { afterAll, beforeAll, expect, test } from 'vitest';
import { testDatabase, type TestDatabase } from '../testing/index.ts';
import { Lease, leaseMigrations } from './index.ts';

let place: TestDatabase;
beforeAll(async () => {
  place = await testDatabase([leaseMigrations]);
});
afterAll(() => place.drop());

const leaseOf = (owner: string, name: string): Lease =>
  new Lease({ database: place.database, name, owner, seconds: 60 });

const runOut = (name: string) =>
  place.database.query(`update lease set until = now() - interval '1 second' where name = $1`, [name]);

test('one owner has it; the other gets nothing until its time is over, and then a higher fence', async () => {
  const [first, second] = [leaseOf('first', 'job'), leaseOf('second', 'job')];
  const fence = await first.take();
  expect(fence).toBe(1);
  expect(await second.take()).toBeNull();
  expect(await first.take()).toBe(1);
  await runOut('job');
  expect(await second.take()).toBe(2);
  // The first was asleep: it learns that it has it no more.
  expect(await first.take()).toBeNull();
});

test('an owner that comes back after the end of its own time, with nobody in between, keeps its fence', async () => {
  const lease = leaseOf('first', 'quiet');
  expect(await lease.take()).toBe(1);
  await runOut('quiet');
  expect(await lease.take()).toBe(1);
});

test('what is given up can be taken at once; giving up what another has changes nothing', async () => {
  const [first, second] = [leaseOf('first', 'given'), leaseOf('second', 'given')];
  await first.take();
  await first.release();
  expect(await second.take()).toBe(2);
  await first.release();
  expect(await first.take()).toBeNull();
});

test('of many that reach for it at once one gets it', async () => {
  const owners = Array.from({ length: 8 }, (_, n) => leaseOf(`owner-${n}`, 'rush'));
  const fences = await Promise.all(owners.map((owner) => owner.take()));
  expect(fences.filter((fence) => fence !== null)).toEqual([1]);
});
