import { problem, refusals, type RefusalCode } from '@tutti/contracts';
import type { ConnectionError } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { randomBytes } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { Refused } from './problems.ts';

/** What is wrong with a request, as far as the schemas and the framework can tell; null when it is not the client's doing. */
export function clientErrorOf(error: unknown): Refused | null {
  if (hasZodFastifySchemaValidationErrors(error))
    return invalid(
      error.validation.flatMap(({ instancePath, message, params }) => issues(instancePath, message, params)),
    );
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return null;
  const { statusCode } = error;
  if (statusCode === 413) return new Refused('payload_too_large');
  if (statusCode === 415) return new Refused('unsupported_media_type');
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode > 499) return null;
  const code = 'code' in error ? String(error.code) : '';
  return invalid([{ pointer: '', message: sentences[code] ?? 'could not be read' }]);
}

const invalid = (errors: readonly object[]): Refused =>
  new Refused('invalid_request', { errors: errors.slice(0, errorsMax) });

/** Enough to mend a form; a request that is all wrong needs no longer answer than that. */
const errorsMax = 20;

const sentences: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: 'is not JSON',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'is not as long as Content-Length says',
  FST_ERR_BAD_URL: 'the address is not well encoded',
  FST_ERR_MAX_PARAM_LENGTH: 'a part of the address is too long',
};

/** JSON pointers (RFC 6901) into what was sent; a field that is not known is pointed at by its own name. */
function issues(path: string, message = '', params: Record<string, unknown> = {}): object[] {
  const pointer = path === '/' ? '' : path;
  const unknown = params['keys'];
  if (!Array.isArray(unknown)) return [{ pointer, message }];
  return unknown.map((key) => ({
    pointer: `${pointer}/${escaped(String(key))}`,
    message: 'is not a known field',
  }));
}

const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');

/** Answers bytes that never became a request. There is no reply yet, so the answer is written by hand. */
export function answerBrokenRequest(error: ConnectionError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const code = brokenCodes[error.code] ?? 'invalid_request';
  const { status } = refusals[code];
  const data = code === 'invalid_request' ? { errors: [{ pointer: '', message: 'is not HTTP' }] } : {};
  const body = JSON.stringify(problem(code, randomBytes(16).toString('hex'), data));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

const brokenCodes: Readonly<Record<string, RefusalCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_HEADER_OVERFLOW: 'header_too_large',
};
