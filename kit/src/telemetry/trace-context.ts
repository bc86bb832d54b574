import { randomBytes } from 'node:crypto';

/** Where in which trace something happens: what W3C Trace Context calls `traceparent`, version 00. */
export type TraceContext = { readonly traceId: string; readonly spanId: string; readonly sampled: boolean };

const form = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const isZero = (id: string): boolean => /^0+$/.test(id);

/** What a `traceparent` says; undefined for anything that is none. */
export function parseTraceparent(text: unknown): TraceContext | undefined {
  const [, traceId = '', spanId = '', flags = '00'] = (typeof text === 'string' && form.exec(text)) || [];
  if (traceId === '' || isZero(traceId) || isZero(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export const traceparent = ({ traceId, spanId, sampled }: TraceContext): string =>
  `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;

/** The context of a trace that nobody records: it travels on, so that everybody after us knows. */
export const unrecorded = (traceId: string): string =>
  traceparent({ traceId, spanId: randomBytes(8).toString('hex'), sampled: false });

/** Asked for every message of every batch. What travels was written by `traceparent` above: the last digit tells. */
export const isSampled = (context: string | undefined): context is string =>
  context !== undefined && context.endsWith('1');
