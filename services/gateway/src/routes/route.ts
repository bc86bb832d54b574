import type { Caller } from '@tutti/contracts';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { hash } from 'node:crypto';
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

/**
 * The cursors of one list: opaque, so that what they say may change, and marked, so that no other list takes them. `form` is
 * what the list can use as a position.
 */
export function cursorsOf(list: string, form: RegExp) {
  const marked = (position: string): string =>
    hash('sha256', `${list}/${position}`, 'base64url').slice(0, markLength) + position;
  const write = (position: string | number): string =>
    Buffer.from(marked(String(position))).toString('base64url');
  return {
    write: (next: string | number | null): string | null => (next === null ? null : write(next)),
    /** The position, null for the beginning; throws when this list did not give the cursor. */
    read: (cursor: string | undefined): string | null => {
      if (cursor === undefined) return null;
      const position = Buffer.from(cursor, 'base64url').toString().slice(markLength);
      if (!form.test(position) || write(position) !== cursor) throw new Refused('invalid_cursor');
      return position;
    },
  };
}

const markLength = 6;

/** For a list of one page: it never gives a cursor, so it takes none. */
export function refuseCursor(cursor: string | undefined): void {
  if (cursor !== undefined) throw new Refused('invalid_cursor');
}

export const uuidForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Whether the client has this version already; a proxy may have marked its tag as weak. */
export function isKnown({ headers }: Pick<FastifyRequest, 'headers'>, etag: string): boolean {
  const known = (headers['if-none-match'] ?? '').split(/\s*,\s*/).map((one) => one.replace(/^W\//, ''));
  return known.includes(etag) || known.includes('*');
}

export const sendUnchanged = (reply: FastifyReply) => reply.code(304).send();

/** A document that was stored or made as text, as it is. */
export const sendStored = (reply: FastifyReply, json: string) =>
  reply
    .serializer((text: string) => text)
    .type('application/json')
    .send(json);
