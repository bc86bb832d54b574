import * as http from '@tutti/contracts/http';
import type { Concert } from '@tutti/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import * as z from 'zod';
import type { GatewayParts } from '../parts.ts';
import { Refused } from '../problems.ts';
import { decodeCursor, encodeCursor, problems, signedIn, type TypedApp } from './route.ts';

const tags = ['catalogue'];
const concertParams = z.object({ concertId: http.slug });
const performanceParams = z.object({ performanceId: http.slug });

export function catalogueRoutes(app: TypedApp, { concerts }: GatewayParts): void {
  app.get(
    '/concerts',
    {
      schema: {
        tags,
        summary: 'The season',
        querystring: http.pageQuery,
        response: { 200: http.page(http.concertView), ...problems(400) },
      },
    },
    async ({ query: { limit, cursor } }) => {
      const { items, next } = await concerts.concerts(limit, decodeCursor(cursor, /^[A-Za-z0-9-]{1,64}$/));
      return { items: items.map(view), nextCursor: encodeCursor(next) };
    },
  );

  app.get(
    '/concerts/:concertId',
    {
      schema: {
        tags,
        summary: 'One concert',
        params: concertParams,
        response: { 200: http.concertView, ...problems(404) },
      },
    },
    async (request, reply) => {
      const concert = await concerts.concert(request.params.concertId);
      if (!concert) throw new Refused('concert_not_found');
      return unlessKnown(request, reply, `"${concert.version}"`) ?? view(concert);
    },
  );

  app.put(
    '/admin/concerts/:concertId',
    {
      config: { access: 'promoter' },
      schema: {
        tags: ['admin'],
        summary: 'Edit a concert: If-Match says which version was read',
        security: signedIn,
        params: concertParams,
        body: http.concertEdit,
        response: { 200: http.concertView, ...problems(400, 401, 403, 404, 412, 428) },
      },
    },
    async (request, reply) => {
      const match = request.headers['if-match'];
      if (match === undefined) throw new Refused('version_required');
      const version = Number(/^"(\d{1,9})"$/.exec(match)?.[1] ?? -1);
      const { title, artist, onSaleAt, saleState } = request.body;
      const edit = {
        ...(title !== undefined && { title }),
        ...(artist !== undefined && { artist }),
        ...(onSaleAt !== undefined && { onSaleAt }),
        ...(saleState !== undefined && { saleState }),
      };
      const concert = await concerts.editConcert(request.params.concertId, version, edit);
      if (concert === 'not_found') throw new Refused('concert_not_found');
      if (concert === 'conflict') throw new Refused('version_conflict');
      reply.header('etag', `"${concert.version}"`);
      return view(concert);
    },
  );

  app.get(
    '/concerts/:concertId/performances',
    {
      schema: {
        tags,
        summary: 'The bookable dates',
        params: concertParams,
        querystring: http.pageQuery,
        response: { 200: http.page(http.performanceView), ...problems(400, 404) },
      },
    },
    async ({ params, query: { limit, cursor } }) => {
      const after = decodeCursor(cursor, /^[0-9TZ:.-]{24} [A-Za-z0-9-]{1,64}$/);
      const page = await concerts.performances(params.concertId, limit, after);
      if (!page) throw new Refused('concert_not_found');
      return { items: page.items, nextCursor: encodeCursor(page.next) };
    },
  );

  app.get(
    '/performances/:performanceId/seat-map',
    {
      schema: {
        tags,
        summary: 'Where the seats are',
        params: performanceParams,
        response: { 200: http.seatMap, ...problems(404) },
      },
    },
    async (request, reply) => {
      const { performanceId } = request.params;
      const map = await concerts.seatMap(performanceId);
      if (!map) throw new Refused('performance_not_found');
      reply.header('cache-control', 'public, max-age=60, stale-while-revalidate=600');
      const known = unlessKnown(request, reply, `"${performanceId}-${map.version}"`);
      // The stored document as it is: it was checked when the season was loaded.
      return (
        known ??
        reply
          .serializer((text: string) => text)
          .type('application/json')
          .send(map.body as never)
      );
    },
  );

  app.get(
    '/performances/:performanceId/seats',
    {
      schema: {
        tags,
        summary: 'The state of every seat',
        params: performanceParams,
        querystring: z.object({ status: z.literal('available').optional() }),
        response: { 200: http.seatList, ...problems(400, 404) },
      },
    },
    async ({ params, query }) => {
      const seats = await concerts.seats(params.performanceId, query.status === 'available');
      if (!seats) throw new Refused('performance_not_found');
      return seats;
    },
  );
}

/** Answers 304 to a client that has this version already. */
function unlessKnown(request: FastifyRequest, reply: FastifyReply, etag: string): undefined | never {
  reply.header('etag', etag);
  if (request.headers['if-none-match'] === etag) return reply.code(304).send() as never;
  return undefined;
}

const view = ({ version: _, ...concert }: Concert) => concert;
