/**
 * What one room may ask of another: a name, whether it only reads or has an effect, what goes in, what comes back when it
 * is done and what it may be refused with. Only the name and the kind exist at run time; the rest is for the compiler.
 */
export type Refusals = Record<string, object>;

export type Command<Kind extends 'reads' | 'effect', In, Ok, No extends Refusals> = {
  readonly name: string;
  readonly kind: Kind;
  readonly _types?: [In, Ok, No];
  readonly _codes?: keyof No;
};

// oxlint-disable-next-line typescript/no-empty-object-type -- `{}` is "no refusal at all": it has no keys to refuse with
export type None = {};

export const reads = <In, Ok, No extends Refusals = None>(name: string): Command<'reads', In, Ok, No> => ({
  name,
  kind: 'reads',
});

export const effect = <In, Ok, No extends Refusals = None>(name: string): Command<'effect', In, Ok, No> => ({
  name,
  kind: 'effect',
});
