import type { DescMethod } from '@bufbuild/protobuf';
import type { Metadata } from '@grpc/grpc-js';
import { parseTraceparent } from '../telemetry/trace-context.ts';
import type { OpenSpan, Spans, SpanStart } from '../telemetry/spans.ts';

const header = 'traceparent';

export function sendTrace(traceparent: string | undefined, metadata: Metadata): void {
  if (traceparent !== undefined) metadata.set(header, traceparent);
}

/** What the caller said of its trace; undefined for anything that does not read like it. */
export function traceGiven(metadata: Metadata): string | undefined {
  const [given] = metadata.get(header);
  return typeof given === 'string' && parseTraceparent(given) ? given : undefined;
}

export const traceIdGiven = (metadata: Metadata): string | undefined =>
  parseTraceparent(traceGiven(metadata))?.traceId;

/** A span for one call, where its trace is recorded. */
export const spanOf = (
  spans: Spans | undefined,
  parent: string | undefined,
  kind: SpanStart['kind'],
  { parent: service, name }: DescMethod,
): OpenSpan | undefined =>
  spans?.below(parent, {
    name: `rpc ${service.name}/${name}`,
    kind,
    attributes: { 'rpc.system': 'grpc', 'rpc.service': service.typeName, 'rpc.method': name },
  });

/** Ends the span when `work` ends, with the fault if it is one. */
export async function spanned<T>(span: OpenSpan | undefined, work: Promise<T>): Promise<T> {
  if (!span) return work;
  try {
    const result = await work;
    span.end();
    return result;
  } catch (error) {
    span.end(error instanceof Error ? error.message : String(error));
    throw error;
  }
}
