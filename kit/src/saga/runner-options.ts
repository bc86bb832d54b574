import type { Bus } from '../messaging/index.ts';
import type { Log } from '../service/index.ts';
import type { ServiceTelemetry } from '../telemetry/index.ts';
import type { Saga } from './definition.ts';
import type { Answer } from './messages.ts';
import type { SagaStore } from './store.ts';
import type { Ending } from './transition.ts';

/** Turns an ending into the bytes the fan gets; must depend on nothing but its arguments. */
export type Encode = (
  ending: Ending,
  saga: { name: string; version: number; traceId: string; input: object },
) => Answer;

export type RunnerOptions = {
  readonly bus: Bus;
  readonly store: SagaStore;
  readonly definitions: readonly Saga[];
  readonly encode: Encode;
  readonly log: Log;
  /** New for every process: a restarted one is another driver. */
  readonly owner: string;
  /** A system that knows itself alone takes every open row at its start. */
  readonly alone: boolean;
  readonly now?: () => number;
  readonly random?: () => number;
  /** Live sagas above which starts are refused, by saga where one may use less than all of it. */
  readonly liveMax?: number;
  readonly shares?: Readonly<Record<string, number>>;
  /** Endings that may wait to be written while their answers are out already; above it who asks waits for the row. */
  readonly unwrittenMax?: number;
  readonly leaseSeconds?: number;
  readonly tickMs?: number;
  readonly telemetry?: ServiceTelemetry | undefined;
};
