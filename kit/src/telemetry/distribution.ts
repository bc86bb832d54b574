import { Histogram, type Registry } from 'prom-client';
import { Series, type Described, type Labels } from './series.ts';

/** How often a value lay in which range, for one label set. Observing is a loop over a dozen numbers and no more. */
export class Bins {
  readonly labels: Labels;
  readonly counts: number[];
  sum = 0;
  count = 0;
  readonly #bounds: readonly number[];

  constructor(labels: Labels, bounds: readonly number[]) {
    this.labels = labels;
    this.#bounds = bounds;
    this.counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.sum += value;
    this.count++;
    const at = this.#bounds.findIndex((bound) => value <= bound);
    // Above the last bound only the count knows of it.
    if (at >= 0) this.counts[at] = (this.counts[at] ?? 0) + 1;
  }
}

/**
 * A histogram whose bins are found once and then only counted up. prom-client's own checks and hashes the labels at every
 * observation, which at thousands of requests a second would cost more than all the rest of the measuring.
 */
export class Distribution {
  readonly #series: Series<Bins>;

  constructor(described: Described, bounds: readonly number[], registry: Registry) {
    const { labels = [] } = described;
    this.#series = new Series(labels, (of) => new Bins(of, bounds));
    // It registers itself.
    void new Exposed(described, bounds, registry, this.#series);
  }

  /** The bins of these label values, in the order of the label names. */
  of(...values: readonly string[]): Bins {
    return this.#series.of(values);
  }
}

type Value = {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
};

/** Shows bins to prom-client's registry, which asks a histogram for `getForPromString`. */
class Exposed extends Histogram {
  readonly #described: Described;
  readonly #bounds: readonly number[];
  readonly #series: Series<Bins>;

  constructor(described: Described, bounds: readonly number[], registry: Registry, series: Series<Bins>) {
    const { name, help, labels = [] } = described;
    super({ name, help, labelNames: [...labels], buckets: [...bounds], registers: [registry] });
    this.#described = described;
    this.#bounds = bounds;
    this.#series = series;
  }

  getForPromString() {
    const { name, help } = this.#described;
    const values = [...this.#series.values()].flatMap((bins) => this.#valuesOf(name, bins));
    return Promise.resolve({ name, help, type: 'histogram', values, aggregator: 'sum' });
  }

  #valuesOf(name: string, { labels, counts, sum, count }: Bins): Value[] {
    let below = 0;
    const buckets = this.#bounds.map((le, at) => {
      below += counts[at] ?? 0;
      return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: below };
    });
    return [
      ...buckets,
      { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ];
  }
}
