import type { Saga } from './definition.ts';
import type { Live, LiveSagas } from './live.ts';
import { serviceOf } from './messages.ts';
import { alarmAfterAttempts } from './runner-telemetry.ts';
import type { SagaRow, SagaStore } from './store.ts';
import { stepView, timeline, type StepRecord, type StepView } from './timeline.ts';

/** A saga as those who ask about it see it. */
export type Operation = {
  readonly id: string;
  readonly saga: string;
  readonly status: 'running' | 'compensating' | 'succeeded' | 'failed';
  readonly code: string | null;
  readonly steps: readonly (StepView & { readonly service: string; readonly attempts: number })[];
};

const stuckAfterSeconds = 10;

/** What is asked about sagas: answered from the driver's memory while they run here, else from their rows. */
export class Operations {
  readonly #store: SagaStore;
  readonly #live: LiveSagas;
  readonly #definitions: ReadonlyMap<string, Saga>;

  constructor(store: SagaStore, live: LiveSagas, definitions: ReadonlyMap<string, Saga>) {
    this.#store = store;
    this.#live = live;
    this.#definitions = definitions;
  }

  /** A fan's own saga. */
  async find(id: string, fan: string): Promise<Operation | null> {
    const live = this.#live.get(id);
    if (live) return live.row.fan === fan ? liveOperation(live) : null;
    const row = await this.#store.find(id, fan);
    return row && this.#ofRow(row);
  }

  /** Sagas that should have ended by now, or have asked in vain for long. */
  async stuck(most: number): Promise<Operation[]> {
    const rows = await this.#store.stuck(stuckAfterSeconds, most);
    const asking = [...this.#live.values()].filter(({ state }) =>
      state.open.some(({ attempts }) => attempts >= alarmAfterAttempts),
    );
    const known = new Set(asking.map(({ id }) => id));
    const others = rows.filter(({ id }) => !known.has(id));
    return [...asking.map(liveOperation), ...others.map((row) => this.#ofRow(row))].slice(0, most);
  }

  #ofRow(row: SagaRow): Operation {
    // It may have been taken over since its row was read.
    const live = this.#live.get(row.id);
    return live
      ? liveOperation(live)
      : rowOperation(row, this.#definitions.get(`${row.name}/${row.version}`));
  }
}

function liveOperation({ id, saga, state, ended }: Live): Operation {
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
function rowOperation({ id, name, status, code, steps }: SagaRow, saga: Saga | undefined): Operation {
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
