import * as http from '@tutti/contracts/http';
import type { Concert, OnePerformance, Page, Performance, SeatList } from '@tutti/contracts';
import { hash } from 'node:crypto';
import * as z from 'zod';
import type { GatewayParts } from '../parts.ts';
import { Refused } from '../problems.ts';
import { SharedReads } from '../shared-reads.ts';
import { cursorsOf, isKnown, sendStored, sendUnchanged, type TypedApp } from './route.ts';

const tags = ['catalogue'];
const concertParams = z.object({ concertId: http.slug });
const performanceParams = z.object({ performanceId: http.slug });

export function catalogueRoutes(app: TypedApp, { concerts }: Pick<GatewayParts, 'concerts'>): void {
  // When a sale opens everybody looks at the same pages, and each answer takes a look at every seat of a hall.
  const pages = new SharedReads<Page<Performance, string> | null>();
  const dates = new SharedReads<OnePerformance | null>();
  const seatLists = new SharedReads<SeatList | null>();

  app.get(
    '/concerts',
    {
      schema: {
        tags,
        summary: 'The season',
        querystring: http.pageQuery,
        response: { 200: http.page(http.concertView) },
      },
    },
    async ({ query: { limit, cursor } }) => {
      const cursors = cursorsOf('concerts', /^[A-Za-z0-9-]{1,64}$/);
      const { items, next } = await concerts.concerts(limit, cursors.read(cursor));
      return { items: items.map(view), nextCursor: cursors.write(next) };
    },
  );

  app.get(
    '/concerts/:concertId',
    {
      config: { refuses: ['concert_not_found'], tells: ['ETag'] },
      schema: {
        tags,
        summary: 'One concert',
        params: concertParams,
        response: { 200: http.concertView, 304: z.null() },
      },
    },
    async (request, reply) => {
      const concert = await concerts.concert(request.params.concertId);
      if (!concert) throw new Refused('concert_not_found');
      const etag = etagOf(concert);
      reply.header('etag', etag);
      return isKnown(request, etag) ? sendUnchanged(reply) : view(concert);
    },
  );

  app.put(
    '/admin/concerts/:concertId',
    {
      config: {
        access: 'promoter',
        refuses: ['concert_not_found', 'version_conflict', 'version_required'],
        tells: ['ETag'],
      },
      schema: {
        tags: ['admin'],
        summary: 'Edit a concert: If-Match says which version was read',
        params: concertParams,
        body: http.concertEdit,
        response: { 200: http.concertView },
      },
    },
    async (request, reply) => {
      const match = request.headers['if-match'];
      if (match === undefined) throw new Refused('version_required');
      const version = Number(/^"(\d{1,9})-[\w-]+"$/.exec(match)?.[1] ?? -1);
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
      reply.header('etag', etagOf(concert));
      return view(concert);
    },
  );

  app.get(
    '/concerts/:concertId/performances',
    {
      config: { refuses: ['concert_not_found'] },
      schema: {
        tags,
        summary: 'The bookable dates',
        params: concertParams,
        querystring: http.pageQuery,
        response: { 200: http.page(http.performanceView) },
      },
    },
    async ({ params, query: { limit, cursor } }) => {
      const cursors = cursorsOf(`performances ${params.concertId}`, /^[0-9TZ:.-]{24} [A-Za-z0-9-]{1,64}$/);
      const asked = [params.concertId, limit, cursors.read(cursor)] as const;
      const page = await pages.find(JSON.stringify(asked), () => concerts.performances(...asked));
      if (!page) throw new Refused('concert_not_found');
      return { items: page.items, nextCursor: cursors.write(page.next) };
    },
  );

  app.get(
    '/performances/:performanceId',
    {
      config: { refuses: ['performance_not_found'] },
      schema: {
        tags,
        summary: 'One date, also when it is over',
        params: performanceParams,
        response: { 200: http.onePerformanceView },
      },
    },
    async ({ params }) => {
      const { performanceId } = params;
      const performance = await dates.find(performanceId, () => concerts.performance(performanceId));
      if (!performance) throw new Refused('performance_not_found');
      return performance;
    },
  );

  app.get(
    '/performances/:performanceId/seat-map',
    {
      config: { refuses: ['performance_not_found'], tells: ['ETag'] },
      schema: {
        tags,
        summary: 'Where the seats are',
        params: performanceParams,
        response: { 200: http.seatMap, 304: z.null() },
      },
    },
    async (request, reply) => {
      const { performanceId } = request.params;
      const map = await concerts.seatMap(performanceId);
      if (!map) throw new Refused('performance_not_found');
      reply.header('cache-control', 'public, max-age=60, stale-while-revalidate=600');
      const etag = `"${performanceId}-${map.version}"`;
      reply.header('etag', etag);
      return isKnown(request, etag) ? sendUnchanged(reply) : sendStored(reply, map.body);
    },
  );

  app.get(
    '/performances/:performanceId/seats',
    {
      config: { refuses: ['performance_not_found'] },
      schema: {
        tags,
        summary: 'The state of every seat',
        params: performanceParams,
        querystring: z.object({ status: z.literal('available').optional() }),
        response: { 200: http.seatList },
      },
    },
    async ({ params, query }) => {
      const asked = [params.performanceId, query.status === 'available'] as const;
      const seats = await seatLists.find(JSON.stringify(asked), () => concerts.seats(...asked));
      if (!seats) throw new Refused('performance_not_found');
      return seats;
    },
  );
}

/** The version to edit, and a mark of the rest: prices and the state of the sale change without an edit. */
function etagOf(concert: Concert): string {
  return `"${concert.version}-${hash('sha256', JSON.stringify(concert), 'base64url').slice(0, 12)}"`;
}

const view = ({ version: _, ...concert }: Concert) => concert;
