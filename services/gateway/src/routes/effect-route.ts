import { crashPoint } from '@tutti/kit/service';
import { hash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Effects, EffectResult } from '../effects.ts';
import { Refused } from '../problems.ts';
import { callerOf } from './route.ts';

export const operationPath = (operation: string): string => `/api/v1/operations/${operation}`;

const waitMsMax = 10_000;

/** Runs a route's saga under its Idempotency-Key and answers with the stored bytes, or with why there are none yet. */
export async function answerEffect(
  request: FastifyRequest,
  reply: FastifyReply,
  effects: Effects,
  saga: string,
  input: object,
): Promise<void> {
  const { params, body, id, trace } = request;
  const result = await effects.run({
    saga,
    input,
    key: idempotencyKeyOf(request),
    fan: callerOf(request).userId,
    route: routeOf(request),
    fingerprint: hash('sha256', canonical([params, body ?? {}]), 'base64url'),
    traceId: id,
    traceparent: trace?.traceparent,
    waitMs: waitMsOf(request),
  });
  crashPoint('gateway.after-answer');
  send(reply, result);
}

function send(reply: FastifyReply, result: EffectResult): void {
  // By kind, not by what else is there: the sagas' word that they have no room names an operation too.
  if (result.kind === 'overloaded') throw new Refused('overloaded');
  if (result.kind === 'unknown') throw new Refused('outcome_unknown');
  const operation = operationPath(result.operation);
  reply.header('operation-location', operation);
  switch (result.kind) {
    case 'key_reused':
      throw new Refused('idempotency_key_reused');
    case 'in_flight':
      throw new Refused('idempotency_in_flight', {}, { 'retry-after': '1', location: operation });
    case 'running':
      void reply
        .code(202)
        .header('location', operation)
        .send({ operationId: result.operation, status: 'running' });
      return;
    case 'answer': {
      const { status, body } = result.answer;
      if (result.replayed) reply.header('idempotent-replayed', 'true');
      if (status === 503) reply.header('retry-after', '1');
      void reply
        .code(status)
        .type(status < 400 ? 'application/json' : 'application/problem+json')
        .send(body);
    }
  }
}

/** The scope of a key. */
export const routeOf = ({ method, routeOptions }: FastifyRequest): string => `${method} ${routeOptions.url}`;

export function idempotencyKeyOf({ headers }: FastifyRequest): string {
  const key = headers['idempotency-key'];
  if (key === undefined) throw new Refused('idempotency_key_missing');
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key))
    throw new Refused('idempotency_key_invalid');
  return key;
}

/** `Prefer: wait=N` (RFC 7240) shortens the wait for the answer. */
function waitMsOf({ headers }: FastifyRequest): number {
  const prefer = headers['prefer'];
  const seconds =
    typeof prefer === 'string' ? /(?:^|[,;\s])wait=(\d{1,3})(?:$|[,;\s])/.exec(prefer)?.[1] : undefined;
  return seconds === undefined ? waitMsMax : Math.min(waitMsMax, Number(seconds) * 1_000);
}

/** JSON with sorted keys: two bodies that say the same are the same text. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join()}}`;
}
