import { until } from '@tutti/kit/testing';
import type { History } from '@tutti/standalone/audit/history';
import { expect } from 'vitest';
import type { Crowd } from './crowd.ts';
import type { Installation } from './installation.ts';
import { drained, findBroken, findLies } from './lies.ts';
import { processesOn } from './processes.ts';

/** Everything that was begun has ended. */
export const expectDrained = drained;

/** Every answer that was given: its effect is there, and the same key brings the same bytes; and the audit is green. */
export async function expectAllTrue(
  system: Installation,
  crowd: Pick<Crowd, 'answered' | 'history'>,
  seed: number,
): Promise<void> {
  expect(await findLies(system, crowd), `seed ${seed}`).toEqual([]);
}

/** Every invariant holds, over the databases, the log and what clients saw. */
export async function expectAuditGreen(system: Installation, history?: History): Promise<void> {
  expect(await findBroken(system, history)).toEqual([]);
}

/** No process of it lives on. */
export const expectNothingLeft = (system: Installation, withinMs = 20_000): Promise<void> =>
  until('nothing is left behind', () => processesOn(system.dataDir).length === 0, withinMs).catch(
    (error: unknown) => {
      throw new Error(JSON.stringify(processesOn(system.dataDir)), { cause: error });
    },
  );
