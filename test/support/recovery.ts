import { randomFrom, until } from '@tutti/kit/testing';
import { expect } from 'vitest';
import { Crowd } from './crowd.ts';
import type { Installation } from './installation.ts';
import { expectAllTrue, expectDrained } from './truth.ts';

const seed = Math.floor(Math.random() * 2 ** 31);
const random = randomFrom(seed);

/** A crowd that is at work: some of its answers have come. */
export async function crowdAt(system: Installation, fansCount = 10): Promise<Crowd> {
  const seats = await system.query<{ id: string }>(
    'concert',
    `select id from seat where status = 'available' order by id limit 60`,
  );
  const crowd = new Crowd({ performanceId: 'rehearsal-1', seatIds: seats.map(({ id }) => id), random });
  crowd.send(await system.fans(fansCount));
  await until('the crowd gets answers', () => crowd.answered.length > 3 * fansCount, 30_000);
  return crowd;
}

/** The crowd gets its answers from a system that runs again, and all that was ever answered is true. */
export async function expectRecovered(system: Installation, crowd: Crowd): Promise<void> {
  const before = crowd.answered.length;
  await until('the crowd gets answers again', () => crowd.answered.length > before + 20, 30_000);
  await crowd.stop();
  expect(crowd.strange, `seed ${seed}`).toEqual([]);
  await expectDrained(system);
  await expectAllTrue(system, crowd, seed);
}
