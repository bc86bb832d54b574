import type { Saga, Step } from './definition.ts';
import { timedOut, type Direction, type Outcome } from './transition.ts';

/**
 * A saga of any shape, one letter per step: `r` reads, `b` has an effect before the pivot, `P` is the pivot, `a` comes after
 * it. Steps are called by their letter and place. As the builder's types would have it, nothing but what is journaled reaches
 * the steps after the pivot, the undos and the reply.
 */
export function sagaOfShape(shape: string, deadlineMs: number, service = 'toy'): Saga {
  const steps = shape.split('').map((letter, at): Step => {
    const name = `${letter}${at}`;
    return {
      name,
      command: `${service}.do`,
      kind: letter === 'r' ? 'reads' : 'effect',
      role: letter === 'P' ? 'pivot' : letter === 'a' ? 'after' : 'before',
      input: (known) => ({ step: name, journaled: journaledOf(known, /^[ra]/) }),
      ...(letter === 'b' && { undo: { command: `${service}.undo`, input: () => ({ step: name }) } }),
    };
  });
  return {
    name: shape,
    version: 1,
    deadlineMs,
    steps,
    reply: (known) => ({ journaled: journaledOf(known, /^r/) }),
  };
}

const journaledOf = (known: Readonly<Record<string, unknown>>, hidden: RegExp): object =>
  Object.fromEntries(Object.entries(known).filter(([name]) => !hidden.test(name)));

/** The journals of one saga's participants, by the rules of the barrier (protocol.md, 9), and what took effect because of it. */
export class ToyJournal {
  /** Effects and their undoing, in the order in which they took place. */
  readonly history: { readonly step: string; readonly direction: 'do' | 'undo' }[] = [];
  readonly #rows = new Map<string, Outcome>();
  #serial = 0;

  of(step: string): Outcome | undefined {
    return this.#rows.get(`do ${step}`);
  }

  obey(step: string, direction: Direction, decide: () => Outcome): Outcome {
    const known = this.#rows.get(direction === 'undo' ? `undo ${step}` : `do ${step}`);
    if (known) return known;
    if (direction === 'undo') return this.#undo(step);
    const outcome = direction === 'settle' ? { refused: timedOut } : decide();
    this.#rows.set(`do ${step}`, outcome);
    if ('refused' in outcome) return outcome;
    return this.#takesEffect(step, 'do');
  }

  #undo(step: string): Outcome {
    const acted = this.of(step);
    if (!acted) this.#rows.set(`do ${step}`, { refused: timedOut });
    if (acted && 'ok' in acted) return this.#takesEffect(step, 'undo');
    const nothing = { ok: {} };
    this.#rows.set(`undo ${step}`, nothing);
    return nothing;
  }

  /** Every effect brings a number of its own: done twice it would not be the same outcome. */
  #takesEffect(step: string, direction: 'do' | 'undo'): Outcome {
    const outcome = { ok: { number: ++this.#serial } };
    this.#rows.set(`${direction} ${step}`, outcome);
    this.history.push({ step, direction });
    return outcome;
  }
}

/** What is wrong with the effects of a saga that ended like this, as sentences. All steps done, or all undone, once each. */
export function wrongEffects(saga: Saga, journal: ToyJournal, status: string): string[] {
  const wrong: string[] = [];
  const pivot = saga.steps.find(({ role }) => role === 'pivot')?.name ?? '';
  const pivotOutcome = journal.of(pivot);
  if ((pivotOutcome !== undefined && 'ok' in pivotOutcome) !== (status === 'succeeded'))
    wrong.push(`it ${status}, but the journal of its pivot holds ${JSON.stringify(pivotOutcome)}`);
  for (const { name, kind } of saga.steps.filter((step) => step.kind === 'effect')) {
    const times = (direction: 'do' | 'undo') =>
      journal.history.filter((one) => one.step === name && one.direction === direction).length;
    const [done, undone] = [times('do'), times('undo')];
    if (done > 1 || undone > 1)
      wrong.push(`the ${kind} ${name} was done ${done} times and undone ${undone} times`);
    if (done - undone !== (status === 'succeeded' ? 1 : 0))
      wrong.push(`it ${status}, but ${name} is ${done > undone ? 'in effect' : 'not in effect'}`);
  }
  const undone = journal.history
    .filter(({ direction }) => direction === 'undo')
    .map(({ step }) => placeOf(saga, step));
  if (undone.some((place, at) => at > 0 && place >= (undone[at - 1] ?? 0)))
    wrong.push(`its undos ran in the order ${undone.join(', ')}`);
  return wrong;
}

const placeOf = (saga: Saga, step: string): number => saga.steps.findIndex(({ name }) => name === step);
