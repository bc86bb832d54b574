import { ROOT_CONTEXT } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  RandomIdGenerator,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type SpanExporter,
} from '@opentelemetry/sdk-trace';
import type { Log } from '../service/index.ts';
import { Spans, type RootIds } from './spans.ts';

export type TracingOptions = {
  /** The collector's address; traces go to `v1/traces` below it, as OTLP in JSON. */
  readonly endpoint: URL;
  /** The share of traces that are recorded, 0–1. One that comes in as sampled is recorded in any case. */
  readonly sampleRatio: number;
  readonly replica: string;
  readonly log: Log;
};

// What waits is bounded by spans and what is under way by one batch: a collector that is gone costs this memory and no more.
const queueSpansMax = 2_048;
const batchSpansMax = 256;
const gatherMs = 1_000;
const exportMsMax = 5_000;
const stopMsMax = 2_000;
const complainEveryMs = 60_000;

/** Records spans of all services of this process and sends them off, in batches, behind everybody's back. */
export class Tracing {
  readonly #processor: BatchSpanProcessor;
  readonly #sampler: TraceIdRatioBasedSampler;
  readonly #options: TracingOptions;
  #exported = 0;
  #failed = 0;
  #complainAt = 0;

  constructor(options: TracingOptions) {
    this.#options = options;
    this.#sampler = new TraceIdRatioBasedSampler(options.sampleRatio);
    const exporter = new OTLPTraceExporter({
      url: new URL('v1/traces', folderOf(options.endpoint)).href,
      timeoutMillis: exportMsMax,
      concurrencyLimit: 1,
    });
    this.#processor = new BatchSpanProcessor({
      exporter: this.#watched(exporter),
      maxQueueSize: queueSpansMax,
      maxExportBatchSize: batchSpansMax,
      scheduledDelayMillis: gatherMs,
      exportTimeoutMillis: 2 * exportMsMax,
    });
  }

  /** Spans that the collector took, and spans that it did not. */
  get counts(): { readonly exported: number; readonly failed: number } {
    return { exported: this.#exported, failed: this.#failed };
  }

  spansOf(service: string): Spans {
    const ids = new ChosenIds();
    const provider = new TracerProvider({
      resource: resourceFromAttributes({
        'service.name': service,
        'service.namespace': 'tutti',
        'service.instance.id': `${service}-${this.#options.replica}`,
      }),
      idGenerator: ids,
      spanProcessors: [this.#processor],
    });
    return new Spans(
      provider.getTracer('tutti'),
      ids,
      (traceId) =>
        this.#sampler.shouldSample(ROOT_CONTEXT, traceId).decision === SamplingDecision.RECORD_AND_SAMPLED,
    );
  }

  /** Sends what there is, and waits no longer than a moment for a collector that does not take it. */
  async stop(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((done) => {
      timer = setTimeout(done, stopMsMax);
    });
    const stopped = this.#processor.shutdown().catch(() => {
      // What the collector did not take has been counted and told.
    });
    await Promise.race([stopped, late]);
    clearTimeout(timer);
  }

  #watched(exporter: SpanExporter): SpanExporter {
    return {
      export: (spans, done) =>
        exporter.export(spans, (result) => {
          if (result.error) this.#complain(result.error, spans.length);
          else this.#exported += spans.length;
          done(result);
        }),
      shutdown: () => exporter.shutdown(),
    };
  }

  /** Once in a while: a collector that is gone must not fill the log either. */
  #complain(error: Error, spans: number): void {
    this.#failed += spans;
    if (Date.now() < this.#complainAt) return;
    this.#complainAt = Date.now() + complainEveryMs;
    this.#options.log.warn({ why: error.message, spans }, 'traces could not be sent; they are dropped');
  }
}

const folderOf = (url: URL): string => (url.href.endsWith('/') ? url.href : `${url.href}/`);

/** Random ids, but for the trace id of a root that its request has already. */
class ChosenIds extends RandomIdGenerator implements RootIds {
  #chosen: string | undefined;

  override generateTraceId(): string {
    return this.#chosen ?? super.generateTraceId();
  }

  using<T>(traceId: string, make: () => T): T {
    this.#chosen = traceId;
    try {
      return make();
    } finally {
      this.#chosen = undefined;
    }
  }
}
