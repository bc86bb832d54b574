import { problem, refusals, type RefusalCode } from '@tutti/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** A refusal on its way to the client: thrown anywhere in a route, answered in one place. */
export class Refused extends Error {
  override name = 'Refused';
  readonly code: RefusalCode;
  readonly data: object;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: RefusalCode, data: object = {}, headers: Readonly<Record<string, string>> = {}) {
    super(code);
    this.code = code;
    this.data = data;
    this.headers = headers;
  }
}

/** Seconds after which a client may come back; every 429 and 503 says them (invariant 13). */
const retryAfterSeconds = '1';

export function sendProblem(reply: FastifyReply, request: FastifyRequest, refused: Refused): FastifyReply {
  const { status } = refusals[refused.code];
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  if (status === 429 || status === 503) reply.header('retry-after', retryAfterSeconds);
  return reply
    .code(status)
    .headers(refused.headers)
    .type('application/problem+json')
    .send(JSON.stringify(problem(refused.code, request.id, refused.data)));
}
