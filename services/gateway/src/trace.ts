import { randomId } from '@tutti/kit/service';
import { parseTraceparent } from '@tutti/kit/telemetry';
import type { IncomingMessage } from 'node:http';

/** The trace of the caller (W3C `traceparent`), or a new one. Where requests are traced it is the trace's id. */
export const traceIdOf = (request: IncomingMessage): string =>
  parseTraceparent(request.headers['traceparent'])?.traceId ?? randomId();
