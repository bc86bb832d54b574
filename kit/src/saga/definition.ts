/**
 * A saga is data: a name, a version and a list of steps. The builder's types refuse the mistakes that cost money:
 * an effect before the pivot without an undo, an undo that can be refused, a step after the pivot that can be refused,
 * a step that reads what a later one brings, two steps of one name, a wrong input, a reply before the pivot.
 *
 * Two kinds of knowledge are kept apart. What an effect returned is journaled by its participant: any driver that asks again
 * gets the same. What a read returned is not, so the pivot's successors, the undos and the reply cannot see it: after a
 * crash the same question might have another answer (the account may be gone by then).
 */
export type Refusals = Record<string, object>;

// oxlint-disable-next-line typescript/no-empty-object-type -- "no refusal": no keys
type None = {};

type Command<Kind extends 'reads' | 'effect', In, Ok, No extends Refusals> = {
  readonly name: string;
  readonly kind: Kind;
  readonly _types?: [In, Ok, No];
  readonly _codes?: keyof No;
};
/** An effect that no business rule may refuse: the only kind allowed as an undo or after the pivot. */
type Sure<In, Ok> = Command<'effect', In, Ok, None>;

type Fresh<K extends string, S> = K extends keyof S ? never : K;
type Undo<I, U> = { undo: Sure<U, unknown>; with: (input: I) => NoInfer<U> };

/** `J`: journaled results by step, with `input`. `R`: results of reads. */
interface BeforePivot<I, J, R> {
  read<K extends string, In, Ok, No extends Refusals>(
    step: K & Fresh<K, J & R>,
    command: Command<'reads', In, Ok, No>,
    input: (known: J & R) => NoInfer<In>,
  ): BeforePivot<I, J, R & Record<K, Ok>>;
  step<K extends string, In, Ok, No extends Refusals, U>(
    step: K & Fresh<K, J & R>,
    command: Command<'effect', In, Ok, No>,
    input: (known: J & R) => NoInfer<In>,
    undo: Undo<I, U>,
  ): BeforePivot<I, J & Record<K, Ok>, R>;
  pivot<K extends string, In, Ok, No extends Refusals>(
    step: K & Fresh<K, J & R>,
    command: Command<'effect', In, Ok, No>,
    input: (known: J & R) => NoInfer<In>,
  ): AfterPivot<J & Record<K, Ok>, J & Record<K, Ok>>;
}

/** All steps after the pivot are sent together, so they see what was known at the pivot (`J`); the reply sees all (`A`). */
interface AfterPivot<J, A> {
  step<K extends string, In, Ok>(
    step: K & Fresh<K, A>,
    command: Sure<In, Ok>,
    input: (known: J) => NoInfer<In>,
  ): AfterPivot<J, A & Record<K, Ok>>;
  reply(of: (known: A) => object): Saga;
}

/** What a saga knows while it runs: `input` and the results of its steps. Typed in the builder, open at run time. */
export type Known = { readonly [step: string]: unknown };

export type Step = {
  readonly name: string;
  readonly command: string;
  readonly kind: 'reads' | 'effect';
  readonly role: 'before' | 'pivot' | 'after';
  readonly input: (known: Known) => unknown;
  readonly undo?: { readonly command: string; readonly input: (input: unknown) => unknown };
};

export type Saga = {
  readonly name: string;
  readonly version: number;
  /** Before its pivot is known to have taken place a saga may take this long; then it settles. */
  readonly deadlineMs: number;
  readonly steps: readonly Step[];
  readonly reply: (known: Known) => object;
};

type SagaOptions = { name: string; version: number; deadlineMs: number };

export function saga<I>({ name, version, deadlineMs }: SagaOptions): BeforePivot<I, { input: I }, None> {
  const steps: Step[] = [];
  let role: Step['role'] = 'before';
  type Untyped = (known: never) => unknown;
  const add = (
    step: string,
    command: { name: string; kind: 'reads' | 'effect' },
    input: Untyped,
    undo?: { undo: { name: string }; with: Untyped },
  ) => {
    steps.push({
      name: step,
      command: command.name,
      kind: command.kind,
      role,
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- typed by the builder, open at run time
      input: input as Step['input'],
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- likewise
      ...(undo && { undo: { command: undo.undo.name, input: undo.with as (input: unknown) => unknown } }),
    });
    return builder;
  };
  const builder = {
    read: add,
    step: add,
    pivot(step: string, command: { name: string; kind: 'effect' }, input: Untyped) {
      role = 'pivot';
      add(step, command, input);
      role = 'after';
      return builder;
    },
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- likewise
    reply: (of: Untyped): Saga => ({ name, version, deadlineMs, steps, reply: of as Saga['reply'] }),
  };
  // One object serves every stage; which of its methods may be called when is what the types above say.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion, typescript/no-unnecessary-type-assertion
  return builder as unknown as BeforePivot<I, { input: I }, None>;
}
