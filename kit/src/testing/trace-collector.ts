import { createServer, type Server } from 'node:http';

/** A span as a collector gets it; times are nanoseconds since 1970. */
export type CollectedSpan = {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the root of a trace. */
  readonly parentSpanId: string;
  /** As OTLP counts: 2 server, 3 client, 5 consumer. */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** Span ids. */
  readonly links: readonly string[];
  readonly events: readonly string[];
  readonly fault: string;
  readonly startedAt: bigint;
  readonly endedAt: bigint;
};

/** Takes traces as OTLP in JSON and keeps them: a collector for tests. */
export class TraceCollector {
  readonly spans: CollectedSpan[] = [];
  /** Requests that came, taken or not. */
  requests = 0;
  /** Answers with this status instead of taking what comes; `never` does not answer at all. */
  refuses: number | 'never' | undefined;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        this.requests++;
        if (this.refuses === 'never') return;
        if (this.refuses === undefined && request.url === '/v1/traces')
          this.spans.push(...readSpans(JSON.parse(Buffer.concat(parts).toString())));
        response.writeHead(this.refuses ?? 200, { 'content-type': 'application/json' }).end('{}');
      });
    });
  }

  static async open(): Promise<TraceCollector> {
    const collector = new TraceCollector();
    await new Promise<void>((listening) => collector.#server.listen(0, '127.0.0.1', listening));
    return collector;
  }

  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  get address(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

type Value = { stringValue?: string; intValue?: number | string; doubleValue?: number };
type Attribute = { key: string; value: Value };
type Request = {
  resourceSpans: {
    resource: { attributes: Attribute[] };
    scopeSpans: {
      spans: {
        traceId: string;
        spanId: string;
        parentSpanId?: string;
        name: string;
        kind: number;
        startTimeUnixNano: string;
        endTimeUnixNano: string;
        attributes?: Attribute[];
        links?: { spanId: string }[];
        events?: { name: string }[];
        status?: { message?: string };
      }[];
    }[];
  }[];
};

function readSpans(body: unknown): CollectedSpan[] {
  // What OpenTelemetry's own exporter wrote; a test that reads something else fails by what it expects.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const { resourceSpans } = body as Request;
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans
      .flatMap(({ spans }) => spans)
      .map((span) => ({
        service: String(valuesOf(resource.attributes)['service.name']),
        name: span.name,
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? '',
        kind: span.kind,
        attributes: valuesOf(span.attributes ?? []),
        links: (span.links ?? []).map(({ spanId }) => spanId),
        events: (span.events ?? []).map(({ name }) => name),
        fault: span.status?.message ?? '',
        startedAt: BigInt(span.startTimeUnixNano),
        endedAt: BigInt(span.endTimeUnixNano),
      })),
  );
}

const valuesOf = (attributes: readonly Attribute[]): Record<string, string | number> =>
  Object.fromEntries(
    attributes.map(({ key, value: { stringValue, intValue, doubleValue } }) => [
      key,
      stringValue ?? Number(intValue ?? doubleValue),
    ]),
  );
