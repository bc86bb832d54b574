import type { Saga } from './definition.ts';
import type { Live } from './live.ts';
import { serviceOf } from './messages.ts';
import type { SagaRow } from './store.ts';
import { stepView, timeline, type StepRecord, type StepView } from './timeline.ts';

/** A saga as those who ask about it see it. */
export type Operation = {
  readonly id: string;
  readonly saga: string;
  readonly status: 'running' | 'compensating' | 'succeeded' | 'failed';
  readonly code: string | null;
  readonly steps: readonly (StepView & { readonly service: string; readonly attempts: number })[];
};

export function liveOperation({ id, saga, state, ended }: Live): Operation {
  const isBack = state.phase === 'turning' || state.phase === 'back';
  const status = ended ?? (isBack ? 'compensating' : 'running');
  const code = ended === 'succeeded' ? null : (state.reason?.code ?? null);
  const steps = timeline(saga, state)
    .map(stepView)
    .map((step) => ({
      ...step,
      service: serviceOfStep(saga, step.name),
      attempts: state.open.find((open) => open.step === step.name)?.attempts ?? 0,
    }));
  return { id, saga: saga.name, status, code, steps };
}

/** `saga` is missing when this build does not know the row's version: the row says its steps only once it has ended. */
export function rowOperation({ id, name, status, code, steps }: SagaRow, saga: Saga | undefined): Operation {
  const pending = (saga?.steps ?? []).map((step): StepRecord => [step.name, 'pending', null, null]);
  const views = (steps ?? pending).map(stepView).map((step) => ({
    ...step,
    service: saga ? serviceOfStep(saga, step.name) : '',
    attempts: 0,
  }));
  return { id, saga: name, status, code, steps: views };
}

const serviceOfStep = (saga: Saga, name: string): string =>
  serviceOf(saga.steps.find((step) => step.name === name)?.command ?? '.');
