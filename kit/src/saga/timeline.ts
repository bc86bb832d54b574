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

/** What became of each step so far, in the order of the definition. */
export function timeline(saga: Saga, state: SagaState): StepView[] {
  return saga.steps.map(({ name }) => {
    const { startedAt, endedAt } = state.times[name] ?? {};
    const isOpen = state.open.some((open) => open.step === name);
    return {
      name,
      status: isOpen ? 'running' : settledStatus(state, name),
      startedAt: rfc3339(startedAt),
      endedAt: isOpen ? null : rfc3339(endedAt),
    };
  });
}

function settledStatus(state: SagaState, name: string): StepStatus {
  if (name in state.undone) return 'undone';
  const outcome = state.outcomes[name];
  if (outcome === undefined) return 'pending';
  return 'ok' in outcome ? 'ok' : 'refused';
}

const rfc3339 = (ms: number | undefined): string | null =>
  ms === undefined ? null : new Date(ms).toISOString();
