import { AsyncLocalStorage } from 'node:async_hooks';

/** For whom something is done: every call on the way spends of one patience and belongs to one trace. */
export type Scope = {
  /** Epoch milliseconds; Infinity when nobody said. */
  readonly deadline: number;
  readonly traceparent: string | undefined;
};

const scopes = new AsyncLocalStorage<Scope>();

export const scopeHere = (): Scope => scopes.getStore() ?? { deadline: Infinity, traceparent: undefined };

export const withinScope = <T>(scope: Scope, work: () => T): T => scopes.run(scope, work);

/** Runs `work` with a deadline that every call made in it keeps; one that is set already is never put off. */
export function withinDeadline<T>(deadline: number, work: () => T): T {
  const here = scopeHere();
  return withinScope({ ...here, deadline: Math.min(deadline, here.deadline) }, work);
}

/** Runs `work` as a part of this trace (`traceparent`): the calls made in it say so. */
export const withinTrace = <T>(traceparent: string | undefined, work: () => T): T =>
  withinScope({ ...scopeHere(), traceparent }, work);
