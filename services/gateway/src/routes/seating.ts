import * as http from '@tutti/contracts/http';
import type { FastifyReply } from 'fastify';
import * as z from 'zod';
import type { GatewayParts } from '../parts.ts';
import { Refused } from '../problems.ts';
import type { SeatState } from '../seating/availability.ts';
import type { Known } from '../seating/streams.ts';
import { isKnown, type TypedApp } from './route.ts';

const tags = ['catalogue'];
const params = z.object({ performanceId: http.slug });

/** Which seats are left, for machines: as bytes, and as a stream of what changes. */
export function seatingRoutes(app: TypedApp, { seating }: GatewayParts): void {
  const { memory, streams } = seating;

  app.get(
    '/performances/:performanceId/availability',
    {
      config: {
        refuses: ['performance_not_found'],
        tells: ['ETag', 'Seat-Map-Version', 'Sequence'],
        produces: 'application/octet-stream',
      },
      schema: {
        tags,
        summary: 'The state of every seat in two bits',
        params,
        response: { 200: http.availability, 304: z.null() },
      },
    },
    async (request, reply) => {
      const state = await memory.at(request.params.performanceId);
      if (!state) throw new Refused('performance_not_found');
      const etag = `"${state.version}-${state.sequence}"`;
      describe(reply, state).headers({ etag, 'cache-control': 'public, max-age=1' });
      return isKnown(request, etag) ? sendUnchanged(reply) : sendBytes(reply, state.seats);
    },
  );

  app.get(
    '/performances/:performanceId/availability/stream',
    {
      config: { refuses: ['performance_not_found'], produces: 'text/event-stream', stream: true },
      schema: {
        tags,
        summary: 'What happens to the seats, as it happens',
        params,
        querystring: http.streamStart,
        response: { 200: http.availabilityEvents },
      },
    },
    async (request, reply) => {
      const state = await memory.at(request.params.performanceId);
      if (!state) throw new Refused('performance_not_found');
      describe(reply, state).type('text/event-stream').headers({
        'cache-control': 'no-store, no-transform',
        // Proxies would hold answers back until there is more of them.
        'x-accel-buffering': 'no',
      });
      if (request.method === 'HEAD') return sendNothing(reply);
      const place = streams.take(request.raw);
      reply.hijack();
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined) reply.raw.setHeader(name, value);
      reply.raw.writeHead(200);
      streams.open(place, reply.raw, state, knownOf(request.query, request.headers['last-event-id']));
    },
  );

  app.get(
    '/performances/:performanceId/best',
    {
      config: { refuses: ['performance_not_found'] },
      schema: {
        tags,
        summary: 'Seats side by side: the best that are left, or the nearest to some',
        params,
        querystring: http.placementWish,
        response: { 200: http.placements },
      },
    },
    async ({ params: { performanceId }, query }, reply) => {
      const { near, grade } = query;
      const together = Number(query.together);
      const found =
        near === undefined
          ? await seating.best(performanceId, { together, grade })
          : await seating.near(performanceId, near.split(','), together);
      if (!found) throw new Refused('performance_not_found');
      // Each who asks is told something else, so that a crowd does not want the same seats.
      reply.header('cache-control', 'no-store');
      const { version, sequence, seatIds } = found;
      return { version, sequence, items: seatIds.map((ids) => ({ seatIds: ids })) };
    },
  );
}

const describe = (reply: FastifyReply, { version, sequence }: SeatState): FastifyReply =>
  reply.headers({ 'seat-map-version': version, sequence });

const sendBytes = (reply: FastifyReply, bytes: Buffer) => reply.type('application/octet-stream').send(bytes);
const sendUnchanged = (reply: FastifyReply) => reply.code(304).send();
const sendNothing = (reply: FastifyReply) => reply.send();

/** What came last before a connection was lost is newer than what its address says. */
function knownOf(
  { sequence: since, version }: z.output<typeof http.streamStart>,
  last: unknown,
): Known | null {
  const sequence = typeof last === 'string' && /^\d{1,15}$/.test(last) ? last : since;
  if (sequence === undefined) return null;
  return { sequence: Number(sequence), version: version === undefined ? null : Number(version) };
}
