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
  const mark = hash('sha256', list, 'base64url').slice(0, 6);
  return {
    write: (next: string | number | null): string | null =>
      next === null ? null : Buffer.from(mark + next).toString('base64url'),
    /** The position, null for the beginning; throws when this list did not give the cursor. */
    read: (cursor: string | undefined): string | null => {
      if (cursor === undefined) return null;
      const bytes = Buffer.from(cursor, 'base64url');
      const text = bytes.toString();
      const isOurs = bytes.toString('base64url') === cursor && text.startsWith(mark) && form.test(text.slice(mark.length));
      if (!isOurs) throw new Refused('invalid_cursor');
      return text.slice(mark.length);
    },
  };
}

/** A list that is all there is to see: it never gives a cursor, so it takes none. */
export const onePage = { nextCursor: null, checked: (cursor: string | undefined) => cursorsOf('', /(?!)/).read(cursor) };

export const uuidForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
