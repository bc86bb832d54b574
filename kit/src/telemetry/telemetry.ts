import { ConfigurationError, type Environment, type Log } from '../service/index.ts';
import { MeasuredBus, type MeasurableBus } from './measured-bus.ts';
import { Meters, type MetricsPage } from './meters.ts';
import type { Spans } from './spans.ts';
import { Tracing } from './tracing.ts';
import type { Bus } from '../messaging/index.ts';

/** Without `endpoint` nothing is traced, no message says more, and nothing is computed. */
export type TelemetryConfig = { readonly endpoint: URL | undefined; readonly sampleRatio: number };

const sampleRatioDefault = 0.01;

/** `OTEL_EXPORTER_OTLP_ENDPOINT` and `TRACE_SAMPLE_RATIO`. */
export function readTelemetryConfig(read: Environment): TelemetryConfig {
  return {
    endpoint: read.url('OTEL_EXPORTER_OTLP_ENDPOINT'),
    sampleRatio: read.parsed('TRACE_SAMPLE_RATIO', parseRatio) ?? sampleRatioDefault,
  };
}

function parseRatio(text: string): number {
  const ratio = Number(text);
  if (text.trim() !== '' && ratio >= 0 && ratio <= 1) return ratio;
  throw new ConfigurationError(`TRACE_SAMPLE_RATIO must be a number from 0 to 1, not "${text}".`);
}

/** What a service measures and traces with. `spans` is missing when nothing is traced. */
export type ServiceTelemetry = { readonly meters: Meters; readonly spans: Spans | undefined };

export type TelemetryOptions = {
  /** The process: the name of its service, or of the whole when it holds several. */
  readonly service: string;
  /** Tells processes of one service apart. */
  readonly replica?: string;
  readonly log: Log;
  /** None: nothing is traced. */
  readonly config?: TelemetryConfig;
};

/** The figures and traces of one process: made once, passed by hand. */
export class Telemetry {
  readonly meters = new Meters();
  readonly #service: string;
  readonly #tracing: Tracing | undefined;

  constructor({ service, replica = '1', log, config }: TelemetryOptions) {
    this.#service = service;
    if (!config?.endpoint) return;
    const tracing = new Tracing({ ...config, endpoint: config.endpoint, replica, log });
    this.#tracing = tracing;
    const sent = { name: 'tutti_spans_total', help: 'Spans handed to the collector.', labels: ['result'] };
    this.meters.total(sent, () => [
      [tracing.counts.exported, 'taken'],
      [tracing.counts.failed, 'dropped'],
    ]);
  }

  /** For a service of this process: its spans bear its name. */
  of(service: string = this.#service): ServiceTelemetry {
    return { meters: this.meters, spans: this.#tracing?.spansOf(service) };
  }

  /** The same bus, measured. Whoever consumes has to use what this returns. */
  watchBus(bus: MeasurableBus): Bus {
    return new MeasuredBus(bus, this.meters);
  }

  /** What Prometheus reads. */
  metrics(): Promise<MetricsPage> {
    return this.meters.page();
  }

  /** Sends the spans that wait, and waits for no longer than a moment. */
  async stop(): Promise<void> {
    await this.#tracing?.stop();
  }
}

export const startTelemetry = (options: TelemetryOptions): Telemetry => new Telemetry(options);

/** Whether a part of ours answers, asked when the page is read: 1, or 0. */
export function watchDatabase(
  { meters }: ServiceTelemetry,
  database: string,
  check: () => Promise<void>,
): void {
  const described = {
    name: 'tutti_database_up',
    help: 'Whether the database of a service answers.',
    labels: ['database'],
  };
  meters.gauge(described, async () => [[(await answersInTime(check)) ? 1 : 0, database]]);
}

const answerMsMax = 1_500;

async function answersInTime(check: () => Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((done) => {
    timer = setTimeout(() => done(false), answerMsMax);
  });
  const answers = check().then(
    () => true,
    () => false,
  );
  return Promise.race([answers, late]).finally(() => clearTimeout(timer));
}
