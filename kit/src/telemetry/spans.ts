import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
  type Span,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api';
import { parseTraceparent, traceparent, type TraceContext } from './trace-context.ts';

/** `client` asks and waits, `consumer` takes from a queue, `server` answers a request. */
export type SpanStart = {
  readonly name: string;
  readonly kind: 'server' | 'client' | 'consumer';
  readonly attributes?: Attributes;
};

const kinds = { server: SpanKind.SERVER, client: SpanKind.CLIENT, consumer: SpanKind.CONSUMER } as const;

/** A span that is under way. It is told of once, when it ends; one that never ends is never told of. */
export class OpenSpan {
  /** For what it causes: the parent of their spans. */
  readonly traceparent: string;
  readonly #span: Span;

  constructor(span: Span) {
    this.#span = span;
    const { traceId, spanId } = span.spanContext();
    this.traceparent = traceparent({ traceId, spanId, sampled: true });
  }

  set(attributes: Attributes): void {
    this.#span.setAttributes(attributes);
  }

  rename(name: string): void {
    this.#span.updateName(name);
  }

  /** Something that happened during it. */
  note(what: string): void {
    this.#span.addEvent(what);
  }

  /** Names another span that has to do with it and is not its parent. */
  link(other: string | undefined): void {
    const context = parseTraceparent(other);
    if (context) this.#span.addLink({ context: spanContextOf(context) });
  }

  /** `fault`: what went wrong, in a few words. A refusal is no fault. */
  end(fault?: string): void {
    if (fault !== undefined) this.#span.setStatus({ code: SpanStatusCode.ERROR, message: fault });
    this.#span.end();
  }
}

/** What makes a trace id the id of the next span's trace. */
export type RootIds = { using<T>(traceId: string, make: () => T): T };

/** The spans of one service. Only sampled traces have any: for the others there is nothing, and it costs nothing. */
export class Spans {
  readonly #tracer: Tracer;
  readonly #ids: RootIds;
  readonly #isChosen: (traceId: string) => boolean;

  constructor(tracer: Tracer, ids: RootIds, isChosen: (traceId: string) => boolean) {
    this.#tracer = tracer;
    this.#ids = ids;
    this.#isChosen = isChosen;
  }

  /** A span below the one that this context names, if that trace is sampled. */
  below(parent: string | undefined, start: SpanStart): OpenSpan | undefined {
    const context = parseTraceparent(parent);
    if (!context?.sampled) return undefined;
    return this.#start(start, trace.setSpanContext(ROOT_CONTEXT, spanContextOf(context)));
  }

  /** The first span of a trace, if its id is among those that are sampled: every process comes to the same of one id. */
  root(traceId: string, start: SpanStart): OpenSpan | undefined {
    if (!this.#isChosen(traceId)) return undefined;
    return this.#ids.using(traceId, () => this.#start(start, ROOT_CONTEXT));
  }

  #start({ name, kind, attributes = {} }: SpanStart, context: Context): OpenSpan {
    return new OpenSpan(this.#tracer.startSpan(name, { kind: kinds[kind], attributes }, context));
  }
}

const spanContextOf = ({ traceId, spanId, sampled }: TraceContext): SpanContext => ({
  traceId,
  spanId,
  traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
  isRemote: true,
});
