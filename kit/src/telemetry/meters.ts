import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { Distribution } from './distribution.ts';
import { Series, type Described, type Labels } from './series.ts';

/** A number that only grows; whoever counts adds to `value`. */
export type Cell = { value: number };

/** Counters of one name, by label values. */
export type Counts = { of(...values: readonly string[]): Cell };

/** A value found when somebody asks for it, and its label values. */
export type Reading = readonly [value: number, ...labels: string[]];
export type Read = () => Iterable<Reading> | Promise<Iterable<Reading>>;

/** What Prometheus reads of a process. */
export type MetricsPage = { readonly contentType: string; readonly body: string };

const readMsMax = 2_000;

/**
 * What one process counts and measures. Counting is adding to a number that was found before; everything else is found out when
 * somebody reads the page. What several services of one process count under one name is one metric.
 */
export class Meters {
  readonly #registry = new Registry();
  readonly #counters = new Map<string, Counts>();
  readonly #distributions = new Map<string, Distribution>();
  readonly #reads = new Map<string, Read[]>();
  #hasProcessMetrics = false;

  counter(described: Described): Counts {
    return known(this.#counters, described.name, () => {
      const { name, help, labels = [] } = described;
      const series = new Series<Cell & { labels: Labels }>(labels, (of) => ({ labels: of, value: 0 }));
      const shown: Counter = new Counter({
        name,
        help,
        labelNames: [...labels],
        registers: [this.#registry],
        collect: () => {
          shown.reset();
          for (const cell of series.values()) shown.inc(cell.labels, cell.value);
        },
      });
      return { of: (...values) => series.of(values) };
    });
  }

  /** `bounds`: the upper ends of the ranges, growing. */
  distribution(described: Described, bounds: readonly number[]): Distribution {
    return known(
      this.#distributions,
      described.name,
      () => new Distribution(described, bounds, this.#registry),
    );
  }

  /** Something that goes up and down, read when the page is. A read that fails or takes too long shows nothing. */
  gauge(described: Described, read: Read): void {
    this.#shown(described, read, (config) => {
      const gauge: Gauge = new Gauge({
        ...config,
        collect: () => this.#collect(described, gauge, (value, of) => gauge.set(of, value)),
      });
    });
  }

  /** Something counted elsewhere that only grows, read when the page is. */
  total(described: Described, read: Read): void {
    this.#shown(described, read, (config) => {
      const counter: Counter = new Counter({
        ...config,
        collect: () => this.#collect(described, counter, (value, of) => counter.inc(of, value)),
      });
    });
  }

  async page(): Promise<MetricsPage> {
    // Watching the event loop and the garbage collector costs a little all the time: not before somebody looks.
    if (!this.#hasProcessMetrics) collectDefaultMetrics({ register: this.#registry });
    this.#hasProcessMetrics = true;
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() };
  }

  #shown(
    { name, help, labels = [] }: Described,
    read: Read,
    make: (config: { name: string; help: string; labelNames: string[]; registers: Registry[] }) => void,
  ): void {
    const others = this.#reads.get(name);
    if (others) {
      others.push(read);
      return;
    }
    this.#reads.set(name, [read]);
    make({ name, help, labelNames: [...labels], registers: [this.#registry] });
  }

  async #collect(
    { name, labels = [] }: Described,
    shown: { reset(): void; remove(): void },
    show: (value: number, labels: Labels) => void,
  ): Promise<void> {
    const reads = this.#reads.get(name) ?? [];
    const readings = (await Promise.all(reads.map(readInTime))).flat();
    shown.reset();
    // Without labels a reset leaves a nought, which is not what "could not be read" looks like.
    if (labels.length === 0) shown.remove();
    for (const [value, ...values] of readings)
      show(value, Object.fromEntries(labels.map((label, at) => [label, values[at] ?? ''])));
  }
}

/** One part that hangs must not keep the figures of all others from being read. */
async function readInTime(read: Read): Promise<Reading[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Reading[]>((done) => {
    timer = setTimeout(() => done([]), readMsMax);
  });
  const readings = (async () => [...(await read())])().catch((): Reading[] => []);
  return Promise.race([readings, late]).finally(() => clearTimeout(timer));
}

function known<T>(map: Map<string, T>, name: string, make: () => T): T {
  const found = map.get(name);
  if (found !== undefined) return found;
  const made = make();
  map.set(name, made);
  return made;
}
