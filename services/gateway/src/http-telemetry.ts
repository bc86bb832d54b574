import {
  parseTraceparent,
  unrecorded,
  type Bins,
  type OpenSpan,
  type ServiceTelemetry,
} from '@tutti/kit/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** Where the request stands in its trace; null when nothing is traced. */
    trace: RequestTrace | null;
  }
}

/** `span` is missing when the trace is not sampled; what the request causes is told so. */
export type RequestTrace = { readonly traceparent: string; readonly span: OpenSpan | undefined };

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** What the gateway tells of its requests: one duration each, and a span where the trace is sampled. */
export class HttpTelemetry {
  readonly #telemetry: ServiceTelemetry | undefined;
  readonly #durationOf: ((...labels: [method: string, route: string, status: string]) => Bins) | undefined;

  constructor(telemetry: ServiceTelemetry | undefined) {
    this.#telemetry = telemetry;
    const durations = telemetry?.meters.distribution(
      {
        name: 'tutti_http_request_duration_seconds',
        help: 'Time from a request to its answer, by route template and class of status.',
        labels: ['method', 'route', 'status'],
      },
      seconds,
    );
    this.#durationOf = durations && ((...labels) => durations.of(...labels));
  }

  /** A caller that traces goes on here (W3C: parent-based); otherwise the id of the request decides. */
  begins(request: FastifyRequest): void {
    const spans = this.#telemetry?.spans;
    if (!spans) return;
    const route = request.routeOptions.url;
    // Only the API: what balancers and Prometheus ask every second says nothing.
    if (route === undefined || !route.startsWith('/api/')) return;
    const { method, headers, id } = request;
    const start = {
      name: `${method} ${route}`,
      kind: 'server' as const,
      attributes: { 'http.request.method': method, 'http.route': route },
    };
    const caller = headers['traceparent'];
    const isCallers = parseTraceparent(caller) !== undefined;
    const span = isCallers ? spans.below(String(caller), start) : spans.root(id, start);
    request.trace = { span, traceparent: span?.traceparent ?? unrecorded(id) };
  }

  ends({ method, routeOptions: { url, config }, trace }: FastifyRequest, reply: FastifyReply): void {
    const { statusCode, elapsedTime } = reply;
    const status = `${Math.floor(statusCode / 100)}xx`;
    // Of an address that does not exist neither the address nor the method is ours.
    const labels = url === undefined ? (['any', 'none', status] as const) : ([method, url, status] as const);
    // How long somebody listened says nothing of how fast we are.
    if (!config.stream) this.#durationOf?.(...labels).observe(elapsedTime / 1_000);
    trace?.span?.set({ 'http.response.status_code': statusCode });
    trace?.span?.end(statusCode >= 500 ? `HTTP status ${statusCode}` : undefined);
  }
}
