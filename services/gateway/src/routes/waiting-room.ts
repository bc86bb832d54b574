import * as http from '@tutti/contracts/http';
import type { ConcertQueries, WaitingRoomQueries } from '@tutti/contracts';
import { randomInt } from 'node:crypto';
import { Readable } from 'node:stream';
import * as z from 'zod';
import { Refused } from '../problems.ts';
import { QueueDocuments } from '../queue-documents.ts';
import { callerOf, isKnown, sendStored, sendUnchanged, type TypedApp } from './route.ts';

const tags = ['waiting room'];
const params = z.object({ concertId: http.slug });

/** A second old is new enough for a line; a cache in front asks once for everybody. */
const cachedShortly = 'public, max-age=1, stale-while-revalidate=5';
const cachedForGood = 'public, max-age=86400, immutable';

/** A list of a million joins is 65 MB: so many are read and sent at once, and whoever wants one more comes back. */
const listingsMost = 2;
const listingsRetrySeconds = 30;
/** A million joins on a slow line take a minute or two; who reads more slowly than that keeps others from the list. */
const listingMs = 5 * 60_000;
const beyondEveryJoin = 2 ** 31 - 1;

type Parts = {
  readonly line: WaitingRoomQueries;
  readonly concerts: Pick<ConcertQueries, 'concert'>;
  readonly listingMsMax?: number;
};

export function waitingRoomRoutes(app: TypedApp, { line, concerts, listingMsMax = listingMs }: Parts): void {
  let listings = 0;
  const documents = new QueueDocuments((concertId) => line.queue(concertId));

  /** Where there is no line: no such concert, or one that needs none. */
  const nothingThere = async (concertId: string): Promise<Refused> =>
    new Refused((await concerts.concert(concertId)) ? 'no_waiting_room' : 'concert_not_found');

  /** Where there is no list of joins: a line whose order was not drawn yet, or no line. */
  const notListed = async (concertId: string): Promise<Refused> => {
    const document = await documents.find(concertId);
    if (!document) return nothingThere(concertId);
    const { opensAt } = http.queue.pick({ opensAt: true }).parse(JSON.parse(document.body));
    return new Refused('sale_not_open', { opensAt });
  };

  app.get(
    '/concerts/:concertId/queue',
    {
      config: { refuses: ['concert_not_found', 'no_waiting_room'], tells: ['ETag'] },
      schema: {
        tags,
        summary: 'The line, the same for everyone: compare your number with `serving`',
        params,
        response: { 200: http.queue, 304: z.null() },
      },
    },
    async (request, reply) => {
      const { concertId } = request.params;
      const document = await documents.find(concertId);
      if (!document) throw await nothingThere(concertId);
      reply.headers({ 'cache-control': cachedShortly, etag: document.etag });
      return isKnown(request, document.etag) ? sendUnchanged(reply) : sendStored(reply, document.body);
    },
  );

  app.get(
    '/concerts/:concertId/queue/joins',
    // A text for programs that check the order (npm run line:verify), not a part of the JSON API.
    { schema: { hide: true, params } },
    async (request, reply) => {
      const { concertId } = request.params;
      const isHead = request.method === 'HEAD';
      if (!isHead) {
        // A response that is closed already would give nothing back.
        if (listings >= listingsMost || reply.raw.destroyed)
          throw new Refused('overloaded', {}, { 'retry-after': String(listingsRetrySeconds) });
        listings++;
        const tooLong = setTimeout(() => reply.raw.destroy(), listingMsMax);
        reply.raw.once('close', () => {
          clearTimeout(tooLong);
          listings--;
        });
      }
      // Whether there is a list is known without reading any of it.
      const first = await line.joins(concertId, isHead ? beyondEveryJoin : 0);
      if (!first) throw await notListed(concertId);
      reply.headers({ 'cache-control': cachedForGood }).type('text/plain');
      return reply.send(isHead ? undefined : Readable.from(listed(line, concertId, first)));
    },
  );

  app.post(
    '/concerts/:concertId/queue-tokens',
    {
      config: {
        access: 'fan',
        refuses: ['concert_not_found', 'no_waiting_room', 'sold_out', 'sale_closed'],
      },
      schema: {
        tags,
        summary: 'Join the line, or find my place again: a fan has one place',
        params,
        body: http.noBody,
        response: { 201: http.place, 200: http.place },
      },
    },
    async (request, reply) => {
      const { concertId } = request.params;
      const place = await line.join(concertId, callerOf(request).userId);
      if (place === 'no_waiting_room') throw await nothingThere(concertId);
      if (typeof place === 'string') throw new Refused(place);
      const { isNew, ...told } = place;
      return reply.code(isNew ? 201 : 200).send(told);
    },
  );

  app.post(
    '/concerts/:concertId/admissions',
    {
      config: {
        access: 'fan',
        refuses: [
          'concert_not_found',
          'no_waiting_room',
          'queue_token_invalid',
          'not_your_turn',
          'sale_paused',
          'sale_closed',
          'sold_out',
        ],
      },
      schema: {
        tags,
        summary: 'Go in when it is my turn. Again: a new token, the older is void',
        params,
        body: http.newAdmission,
        response: { 201: http.admission },
      },
    },
    async (request, reply) => {
      const { concertId } = request.params;
      const { queueToken } = request.body;
      const answer = await line.admit(concertId, callerOf(request).userId, queueToken);
      if ('admissionToken' in answer) return reply.code(201).send(answer);
      if (answer.code === 'no_waiting_room') throw await nothingThere(concertId);
      if (answer.code === 'sold_out' || answer.code === 'sale_paused')
        throw new Refused(answer.code, {}, retryAfter(longSeconds()));
      if (answer.code !== 'not_your_turn') throw new Refused(answer.code);
      const { ahead, retryAfterSeconds } = answer;
      throw new Refused('not_your_turn', { ahead }, retryAfter(retryAfterSeconds));
    },
  );

  app.delete(
    '/concerts/:concertId/admissions',
    {
      config: { access: 'fan', refuses: ['concert_not_found', 'no_waiting_room'] },
      schema: {
        tags,
        summary: 'Go out: somebody else may come in, what I hold stays mine to pay',
        params,
        body: http.noBody,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const { concertId } = request.params;
      const left = await line.leave(concertId, callerOf(request).userId);
      if (left === 'no_waiting_room') throw await nothingThere(concertId);
      return reply.code(204).send(null);
    },
  );
}

const retryAfter = (seconds: number) => ({ 'retry-after': String(seconds) });

/** A pause lasts minutes and a seat comes back seldom: all who were called ask again some time, and not all at once. */
const longSeconds = (): number => randomInt(20, 41);

async function* listed(
  line: Pick<WaitingRoomQueries, 'joins'>,
  concertId: string,
  first: readonly string[],
): AsyncGenerator<string> {
  let told = 0;
  for (let joins: readonly string[] | null = first; joins && joins.length > 0; ) {
    yield `${joins.join('\n')}\n`;
    told += joins.length;
    joins = await line.joins(concertId, told);
  }
}
