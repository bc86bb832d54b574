import type { Saga } from './definition.ts';
import type { SagaState } from './transition.ts';

export type StepStatus = 'pending' | 'running' | 'ok' | 'refused' | 'undone';

/** A step as fans and operators see it; times are RFC 3339. */
export type StepView = {
  readonly name: string;
  readonly status: StepStatus;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
};

/** A step as a row keeps it: name, status, start and end in epoch milliseconds. Every saga stores it and few are asked for it. */
export type StepRecord = readonly [string, StepStatus, number | null, number | null];

/** What became of each step so far, in the order of the definition. */
export function timeline(saga: Saga, state: SagaState): StepRecord[] {
  return saga.steps.map(({ name }) => {
    const { startedAt = null, endedAt = null } = state.times[name] ?? {};
    const isOpen = state.open.some((open) => open.step === name);
    const status = isOpen ? 'running' : settledStatus(state, name);
    return [name, status, wholeMs(startedAt), isOpen ? null : wholeMs(endedAt)];
  });
}

export const stepView = ([name, status, startedAt, endedAt]: StepRecord): StepView => ({
  name,
  status,
  startedAt: rfc3339(startedAt),
  endedAt: rfc3339(endedAt),
});

function settledStatus(state: SagaState, name: string): StepStatus {
  if (name in state.undone) return 'undone';
  const outcome = state.outcomes[name];
  if (outcome === undefined) return 'pending';
  return 'ok' in outcome ? 'ok' : 'refused';
}

const wholeMs = (ms: number | null): number | null => (ms === null ? null : Math.floor(ms));
const rfc3339 = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
