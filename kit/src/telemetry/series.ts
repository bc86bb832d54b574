/** A metric: its name with the unit last, what it tells, and the names of its labels. */
export type Described = { readonly name: string; readonly help: string; readonly labels?: readonly string[] };

/** Label sets per metric. Labels are templates and names from our own code; this is the net below it. */
export const seriesMax = 1_000;

export type Labels = Readonly<Record<string, string>>;

const otherwise = 'other';

/** Finds what is counted for a label set, or makes it. */
export class Series<T> {
  readonly #names: readonly string[];
  readonly #make: (labels: Labels) => T;
  readonly #all = new Map<string, T>();

  constructor(names: readonly string[], make: (labels: Labels) => T) {
    this.#names = names;
    this.#make = make;
  }

  of(values: readonly string[]): T {
    const known = this.#all.get(values.join('\n'));
    if (known !== undefined) return known;
    const hasRoom = this.#all.size < seriesMax;
    const kept = hasRoom ? values : this.#names.map(() => otherwise);
    const key = kept.join('\n');
    const made =
      this.#all.get(key) ??
      this.#make(Object.fromEntries(this.#names.map((name, at) => [name, kept[at] ?? ''])));
    this.#all.set(key, made);
    return made;
  }

  values(): Iterable<T> {
    return this.#all.values();
  }
}
