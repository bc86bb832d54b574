import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** The trace of the caller (W3C `traceparent`), or a new one. */
export function traceIdOf(request: IncomingMessage): string {
  const header = request.headers['traceparent'];
  const given =
    typeof header === 'string' ? /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(header)?.[1] : undefined;
  return given !== undefined && /[1-9a-f]/.test(given) ? given : randomBytes(16).toString('hex');
}
