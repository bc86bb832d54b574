import * as http from '@tutti/contracts/http';
import type { Caller } from '@tutti/contracts';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyRequest,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { Refused } from '../problems.ts';

/** A fastify instance whose routes are typed by the schemas of the contracts. */
export type TypedApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** The caller of a route whose `access` made sure that there is one. */
export function callerOf(request: Pick<FastifyRequest, 'caller'>): Caller {
  if (!request.caller) throw new Refused('unauthenticated');
  return request.caller;
}

/** OpenAPI's words for a protected route. */
export const signedIn = [{ accessToken: [] }];

/** The refusals a route documents, by status. */
export const problems = (...statuses: number[]) =>
  Object.fromEntries(statuses.map((status) => [status, http.problemBody]));

/** A cursor as given to the client: opaque, so that what it says may change. */
export const encodeCursor = (next: string | number | null): string | null =>
  next === null ? null : Buffer.from(String(next)).toString('base64url');

/** The text in a cursor that has the form this list gives, or a refusal. */
export function decodeCursor(cursor: string | undefined, form: RegExp): string | null {
  if (cursor === undefined) return null;
  const text = Buffer.from(cursor, 'base64url').toString();
  if (!form.test(text)) throw new Refused('invalid_cursor');
  return text;
}

export const uuidForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
