/** What a page in Prometheus's text format says. */
export type Metrics = {
  /** By name, as the page declares them. */
  readonly types: ReadonlyMap<string, string>;
  /** The value of a series, such as `a_total{b="c"}` with its labels in any order; 0 when it is not there. */
  value(series: string): number;
  readonly series: readonly string[];
};

const line = /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\.)*",?)*)\})? (\S+)$/;
const label = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\.)*)"/g;

/** Reads a page; throws at the first line that Prometheus would not understand, and at a series that comes twice. */
export function readMetrics(page: string): Metrics {
  const types = new Map<string, string>();
  const values = new Map<string, number>();
  for (const text of page.split('\n').filter((one) => one !== '' && !one.startsWith('# HELP '))) {
    const [, declared, type] = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(text) ?? [];
    if (declared !== undefined && type !== undefined) {
      types.set(declared, type);
      continue;
    }
    const [, name, , value] = line.exec(text) ?? [];
    if (name === undefined || value === undefined) throw new Error(`This is not a metric: ${text}`);
    if (!types.has(name) && !types.has(name.replace(/_(bucket|sum|count)$/, '')))
      throw new Error(`Nothing declares ${name}.`);
    const key = canonical(text.slice(0, text.lastIndexOf(' ')));
    if (values.has(key)) throw new Error(`The series ${key} is there twice.`);
    values.set(key, numberOf(value));
  }
  return { types, series: [...values.keys()], value: (series) => values.get(canonical(series)) ?? 0 };
}

function numberOf(text: string): number {
  const value = Number(text.replace(/^([+-])Inf$/, '$1Infinity'));
  if (Number.isNaN(value) && !/^nan$/i.test(text)) throw new Error(`This is not a number: ${text}`);
  return value;
}

function canonical(series: string): string {
  const [name = ''] = series.split('{', 1);
  const labels = [...series.slice(name.length).matchAll(label)].map(([text]) => text);
  return labels.length > 0 ? `${name}{${labels.toSorted().join()}}` : name;
}
