import type { Known, Saga, Step } from './definition.ts';

/** A business no: a stable code and the data a client needs to act on it. */
export type Refusal = { readonly code: string; readonly data: object };
export type Outcome = { readonly ok: unknown } | { readonly refused: Refusal };

/** `settle` asks for the journaled outcome of a `do`, and where there is none makes sure there never will be an ok. */
export type Direction = 'do' | 'undo' | 'settle';

export type Ask = {
  readonly step: string;
  readonly direction: Direction;
  readonly attempts: number;
  readonly askedAt: number;
  readonly dueAt: number;
};

export type StepTimes = { startedAt: number; endedAt?: number };

/**
 * forward → ended, or forward → (settling →) turning → back → ended.
 * `turning` waits until the change of direction is committed: no undo leaves before (rule 2).
 */
export type SagaState = {
  readonly phase: 'forward' | 'settling' | 'turning' | 'back' | 'ended';
  readonly deadlineAt: number;
  /** A driver that took the row over cannot know what its predecessor sent: it takes everything as sent. */
  readonly resumed: boolean;
  readonly outcomes: { readonly [step: string]: Outcome };
  readonly undone: { readonly [step: string]: unknown };
  readonly open: readonly Ask[];
  readonly times: { readonly [step: string]: StepTimes };
  readonly reason?: Refusal;
  /** Whether `reason` stands in a participant's journal, so that any driver would come to it again. */
  readonly reasonJournaled?: boolean;
};

export type Send = {
  readonly step: string;
  readonly direction: Direction;
  readonly command: string;
  readonly body: unknown;
  readonly effect: boolean;
};

export type Ending =
  | { readonly status: 'succeeded'; readonly reply: object; readonly journaled: true }
  | {
      readonly status: 'failed';
      readonly reason: Refusal;
      readonly undone: { readonly [step: string]: unknown };
      readonly journaled: boolean;
    };

export type Event =
  | { readonly kind: 'begin' }
  | {
      readonly kind: 'reply';
      readonly step: string;
      readonly direction: Direction;
      readonly outcome: Outcome;
    }
  /** The row now says `compensating`: undos may leave. */
  | { readonly kind: 'turned' }
  | { readonly kind: 'tick'; readonly random: number };

export type Transition = {
  readonly state: SagaState;
  readonly send: readonly Send[];
  /** Commit this change of direction by compare-and-set, then tell `turned`. */
  readonly turn?: Refusal;
  readonly end?: Ending;
};

export const timedOut: Refusal = { code: 'timed_out', data: {} };

const reaskFirstMs = 1_000;
const reaskMaxMs = 30_000;

/** 1 s, 2, 4 … 30 s, each between three quarters and five quarters of it. `random` is 0–1. */
const reaskDelayMs = (attempts: number, random: number): number =>
  Math.min(reaskMaxMs, reaskFirstMs * 2 ** Math.min(attempts - 1, 10)) * (0.75 + random / 2);

/** Whether a time has come that was set at most so far ahead. Where it lies further, the clock was put back meanwhile. */
export const isReached = (at: number, now: number, aheadMaxMs: number): boolean =>
  at <= now || at > now + aheadMaxMs;

export function freshState(saga: Saga, now: number): SagaState {
  return {
    phase: 'forward',
    deadlineAt: now + saga.deadlineMs,
    resumed: false,
    outcomes: {},
    undone: {},
    open: [],
    times: {},
  };
}

/** The state of a saga taken over from another driver: only what its row says is known. */
export function resumedState(deadlineAt: number, turnedFor: Refusal | undefined): SagaState {
  const base = { deadlineAt, resumed: true, outcomes: {}, undone: {}, open: [], times: {} };
  return turnedFor
    ? { ...base, phase: 'back', reason: turnedFor, reasonJournaled: true }
    : { ...base, phase: 'forward' };
}

/** Decides purely: what this event makes of the state, and what leaves because of it. Times are epoch milliseconds. */
export function advance(saga: Saga, input: unknown, state: SagaState, event: Event, now: number): Transition {
  const context: Context = { saga, input, now };
  switch (event.kind) {
    case 'begin':
      return state.phase === 'back' ? undoNext(context, state) : goForward(context, state);
    case 'turned':
      return state.phase === 'turning' ? undoNext(context, { ...state, phase: 'back' }) : unchanged(state);
    case 'tick':
      return onTick(context, state, event.random);
    case 'reply':
      return onReply(context, state, event);
  }
}

type Context = { readonly saga: Saga; readonly input: unknown; readonly now: number };

const unchanged = (state: SagaState): Transition => ({ state, send: [] });

const pivotOf = (saga: Saga): Step => {
  const pivot = saga.steps.find((step) => step.role === 'pivot');
  if (!pivot) throw new Error(`The saga ${saga.name} has no pivot.`);
  return pivot;
};

const isOk = (outcome: Outcome | undefined): outcome is Extract<Outcome, { ok: unknown }> =>
  outcome !== undefined && 'ok' in outcome;

function known({ saga, input }: Context, state: SagaState): Known {
  const results: Record<string, unknown> = { input };
  for (const { name } of saga.steps) {
    const outcome = state.outcomes[name];
    if (isOk(outcome)) results[name] = outcome.ok;
  }
  return results;
}

/** Asks for steps in a direction: notes them as open and makes their messages. */
function ask(context: Context, state: SagaState, steps: readonly Step[], direction: Direction): Transition {
  const { now, input } = context;
  const knownNow = direction === 'do' ? known(context, state) : {};
  const asks = steps.map(({ name }) => ({
    step: name,
    direction,
    attempts: 1,
    askedAt: now,
    dueAt: now + reaskDelayMs(1, 0.5),
  }));
  const times = { ...state.times };
  for (const { name } of steps) times[name] ??= { startedAt: now };
  return {
    state: { ...state, open: [...state.open, ...asks], times },
    send: steps.map((step) => message(step, direction, knownNow, input)),
  };
}

function message(step: Step, direction: Direction, knownNow: Known, input: unknown): Send {
  const base = { step: step.name, direction, effect: step.kind === 'effect' };
  if (direction === 'undo') {
    if (!step.undo) throw new Error(`The step ${step.name} has no undo.`);
    return { ...base, command: step.undo.command, body: step.undo.input(input) };
  }
  return { ...base, command: step.command, body: direction === 'do' ? step.input(knownNow) : {} };
}

/** The next step before or at the pivot; all that follow the pivot together; or the end. */
function goForward(context: Context, state: SagaState): Transition {
  const { saga } = context;
  const pivotDone = isOk(state.outcomes[pivotOf(saga).name]);
  if (!pivotDone) {
    const next = saga.steps.find((step) => step.role !== 'after' && !isOk(state.outcomes[step.name]));
    return next ? ask(context, state, [next], 'do') : unchanged(state);
  }
  // The pivot may have been found done by `settle`: what the effects before it returned is then still to be collected.
  const missing = saga.steps.filter(
    (step) => step.role === 'before' && step.kind === 'effect' && !isOk(state.outcomes[step.name]),
  );
  if (missing.length > 0)
    return state.open.length > 0 ? unchanged(state) : ask(context, state, missing, 'settle');
  const after = saga.steps.filter((step) => step.role === 'after' && !isOk(state.outcomes[step.name]));
  const unasked = after.filter((step) => !state.open.some((open) => open.step === step.name));
  if (unasked.length > 0) return ask(context, state, unasked, 'do');
  if (after.length > 0) return unchanged(state);
  return {
    state: { ...state, phase: 'ended', open: [] },
    send: [],
    end: { status: 'succeeded', reply: saga.reply(known(context, state)), journaled: true },
  };
}

function onReply(context: Context, state: SagaState, reply: Extract<Event, { kind: 'reply' }>): Transition {
  const isOpen = state.open.some((open) => open.step === reply.step && open.direction === reply.direction);
  const step = context.saga.steps.find(({ name }) => name === reply.step);
  // Any attempt of what is open is accepted, and nothing else (rule 5).
  if (!isOpen || !step) return unchanged(state);
  const closed = close(context, state, reply);
  if (reply.direction === 'undo') {
    if (!isOk(reply.outcome)) return unchanged(state);
    return undoNext(context, { ...closed, undone: { ...closed.undone, [step.name]: reply.outcome.ok } });
  }
  if (isOk(reply.outcome)) {
    const outcomes = { ...closed.outcomes, [step.name]: reply.outcome };
    return goForward(context, { ...closed, phase: 'forward', outcomes });
  }
  return onRefusal(context, state, closed, step, reply.outcome.refused);
}

function onRefusal(
  context: Context,
  before: SagaState,
  closed: SagaState,
  step: Step,
  refused: Refusal,
): Transition {
  // Nobody may refuse once the pivot is done. A participant that does is broken: keep asking, an alarm tells.
  const pivotDone = isOk(before.outcomes[pivotOf(context.saga).name]);
  if (step.role === 'after' || pivotDone) return unchanged(before);
  if (step.kind === 'reads') {
    const reason = { reason: refused, reasonJournaled: false };
    // A predecessor may have been told otherwise and gone on: only the pivot's journal knows (rule 1).
    if (closed.resumed) return settle(context, { ...closed, ...reason });
    return turn(context, { ...closed, ...reason });
  }
  const outcomes = { ...closed.outcomes, [step.name]: { refused } };
  const hasReason = closed.reason !== undefined && refused.code === timedOut.code;
  return turn(context, {
    ...closed,
    outcomes,
    ...(hasReason ? {} : { reason: refused, reasonJournaled: true }),
  });
}

function close({ now }: Context, state: SagaState, reply: { step: string; direction: Direction }): SagaState {
  const started = state.times[reply.step]?.startedAt ?? now;
  return {
    ...state,
    open: state.open.filter((open) => open.step !== reply.step || open.direction !== reply.direction),
    times: { ...state.times, [reply.step]: { startedAt: started, endedAt: now } },
  };
}

const settle = (context: Context, state: SagaState): Transition =>
  ask(context, { ...state, phase: 'settling', open: [] }, [pivotOf(context.saga)], 'settle');

/** Which undos are still owed, last step first: everything that was or may have been sent and was not refused. */
function owedUndos({ saga }: Context, state: SagaState): Step[] {
  return saga.steps
    .filter((step) => step.role === 'before' && step.undo && !(step.name in state.undone))
    .filter((step) => state.resumed || state.times[step.name])
    .filter((step) => {
      const outcome = state.outcomes[step.name];
      return outcome === undefined || 'ok' in outcome;
    })
    .toReversed();
}

function turn(context: Context, state: SagaState): Transition {
  const reason = state.reason ?? timedOut;
  const turning: SagaState = { ...state, phase: 'turning', open: [], reason };
  if (owedUndos(context, turning).length > 0) return { state: turning, send: [], turn: reason };
  // No row says yet that it turned. Every driver would end like this only where there is nothing to undo in any memory and
  // the pivot's own refusal is in its journal: a time-out may have been written by a driver that has another reason.
  const isEveryDriversEnd = !context.saga.steps.some((step) => step.undo) && reason.code !== timedOut.code;
  return fail({ ...turning, reasonJournaled: isEveryDriversEnd && turning.reasonJournaled === true });
}

function undoNext(context: Context, state: SagaState): Transition {
  const [next] = owedUndos(context, state);
  return next ? ask(context, state, [next], 'undo') : fail(state);
}

function fail(state: SagaState): Transition {
  return {
    state: { ...state, phase: 'ended', open: [] },
    send: [],
    end: {
      status: 'failed',
      reason: state.reason ?? timedOut,
      // What had not been done brought nothing; which of these were asked for too depends on the driver's memory.
      undone: Object.fromEntries(
        Object.entries(state.undone).filter(([, brought]) => JSON.stringify(brought) !== '{}'),
      ),
      journaled: state.reasonJournaled ?? false,
    },
  };
}

/** The deadline turns a saga whose pivot is unknown towards `settle`; anything open and due is asked again. */
function onTick(context: Context, state: SagaState, random: number): Transition {
  const { saga, now, input } = context;
  const pivotDone = isOk(state.outcomes[pivotOf(saga).name]);
  if (state.phase === 'forward' && !pivotDone && isReached(state.deadlineAt, now, saga.deadlineMs))
    return settle(context, state);
  const isDue = ({ dueAt }: Ask): boolean => isReached(dueAt, now, 2 * reaskMaxMs);
  if (!state.open.some(isDue)) return unchanged(state);
  const knownNow = known(context, state);
  const send: Send[] = [];
  const open = state.open.map((one) => {
    if (!isDue(one)) return one;
    const step = saga.steps.find(({ name }) => name === one.step);
    if (step) send.push(message(step, one.direction, knownNow, input));
    const attempts = one.attempts + 1;
    return { ...one, attempts, dueAt: now + reaskDelayMs(attempts, random) };
  });
  return { state: { ...state, open }, send };
}
