import { saga, timedOut, type CommandMessage, type Encode, type Outcome, type Saga } from './index.ts';

const command = <K extends 'reads' | 'effect'>(name: string, kind: K) => ({ name, kind });

/** A step of each kind. */
export const trip: Saga = saga<{ who: string }>({ name: 'trip', version: 1, deadlineMs: 10_000 })
  .read('look', command('a.look', 'reads'), ({ input }) => ({ who: input.who }))
  .step('first', command('b.first', 'effect'), () => ({}), {
    undo: command('b.undo-first', 'effect'),
    with: () => ({}),
  })
  .step('second', command('c.second', 'effect'), () => ({}), {
    undo: command('c.undo-second', 'effect'),
    with: () => ({}),
  })
  .pivot('pivot', command('d.pivot', 'effect'), () => ({}))
  .step('left', command('e.left', 'effect'), () => ({}))
  .step('right', command('f.right', 'effect'), () => ({}))
  .reply((known) => ({ zone: 'Z', done: known.input.who, at: known.pivot }));

/** Nothing but a pivot. */
export const jump: Saga = saga<{ who: string }>({ name: 'jump', version: 1, deadlineMs: 10_000 })
  .pivot('pivot', command('d.pivot', 'effect'), () => ({}))
  .reply((known) => ({ jumped: known.input.who }));

/** The same saga in a newer build: it looks first. */
export const jumpAnew: Saga = saga<{ who: string }>({ name: 'jump', version: 2, deadlineMs: 10_000 })
  .read('look', command('a.look', 'reads'), ({ input }) => ({ who: input.who }))
  .pivot('pivot', command('d.pivot', 'effect'), () => ({}))
  .reply((known) => ({ jumpedAnew: known.input.who }));

export const ok = (value: unknown = {}): Outcome => ({ ok: value });
export const refused = (code: string, data: object = {}): Outcome => ({ refused: { code, data } });

/** `do a.look`: the direction and the command, as tests name what travels. */
export const named = ({ direction, type }: CommandMessage): string => `${direction} ${type}`;

/** Endings as bytes whose order shows where they went through something that sorts keys. */
export const encode: Encode = (ending, { name, traceId }) =>
  ending.status === 'succeeded'
    ? { status: 201, body: JSON.stringify({ saga: name, traceId, ...ending.reply }) }
    : { status: 409, body: JSON.stringify({ why: ending.reason.code, traceId, ...ending.reason.data }) };

/** Participants with one journal between them. What a test did not tell them to do they leave lying. */
export class Cast {
  readonly #acts = new Map<string, { outcome: Outcome; replies: boolean }>();
  readonly #journal = new Map<string, Outcome>();

  set(what: string, outcome: Outcome, replies: boolean): void {
    this.#acts.set(what, { outcome, replies });
  }

  /** The reply to send, if any. */
  obey(asked: CommandMessage): Outcome | undefined {
    const act = this.#acts.get(named(asked));
    if (!act) return undefined;
    const outcome = asked.type === 'a.look' ? act.outcome : this.#journaled(asked, act.outcome);
    return act.replies ? outcome : undefined;
  }

  #journaled({ saga: id, step, direction }: CommandMessage, outcome: Outcome): Outcome {
    const [done, own] = [`${id} ${step} do`, `${id} ${step} ${direction === 'undo' ? 'undo' : 'do'}`];
    const known = this.#journal.get(own);
    if (known) return known;
    const decided = direction === 'settle' ? { refused: timedOut } : outcome;
    this.#journal.set(own, decided);
    if (direction === 'undo' && !this.#journal.has(done)) this.#journal.set(done, { refused: timedOut });
    return decided;
  }
}
