import type { RefusalCode, Reservation } from '@tutti/contracts';
import * as http from '@tutti/contracts/http';
import * as z from 'zod';
import type { GatewayParts } from '../parts.ts';
import { Refused } from '../problems.ts';
import { callerOf, cursorsOf, uuidForm, type TypedApp } from './route.ts';

const tags = ['tickets'];

/** Why there is no ticket, where there is more to say than that it is not paid. */
const whyNone: Partial<Record<Reservation['status'], RefusalCode>> = {
  paying: 'payment_in_progress',
  cancelled: 'reservation_cancelled',
  expired: 'reservation_expired',
};

/** Of the list for doors: a page of it is a file that they keep, and most have one. */
const pageSize = 10_000;

/** What a fan shows at the door, and what the door needs to check it without asking. */
export function ticketRoutes(app: TypedApp, { concerts, tickets }: GatewayParts): void {
  app.get(
    '/reservations/:reservationId/ticket',
    {
      config: {
        access: 'fan',
        refuses: [
          'reservation_not_found',
          'reservation_unpaid',
          'payment_in_progress',
          'reservation_cancelled',
          'reservation_expired',
        ],
      },
      schema: {
        tags,
        summary: 'The ticket of a paid reservation, for its QR code',
        params: z.object({ reservationId: http.namedId }),
        response: { 200: http.ticket },
      },
    },
    async (request) => {
      const { userId } = callerOf(request);
      const facts = await concerts.ticket(userId, request.params.reservationId);
      if (!facts) throw new Refused('reservation_not_found');
      const { reservationId, performanceId, status, paidAt } = facts;
      if (paidAt === null) throw new Refused(whyNone[status] ?? 'reservation_unpaid');
      const seats = facts.seats.map(({ label }) => label);
      return {
        ticket: tickets.sign({ reservationId, performanceId, seats, issuedAt: new Date(paidAt) }),
        reservationId,
        performanceId,
        seats: facts.seats.map(({ seatId, label }) => ({ seatId, label })),
        issuedAt: paidAt,
      };
    },
  );

  app.get(
    '/tickets/keys',
    {
      schema: {
        tags,
        summary: 'The public keys that tickets are checked with',
        response: { 200: http.ticketKeys },
      },
    },
    async (_request, reply) => {
      reply.header('cache-control', 'public, max-age=3600');
      return tickets.keys;
    },
  );

  app.get(
    '/admin/performances/:performanceId/cancelled-tickets',
    {
      config: { access: 'operator', refuses: ['performance_not_found'] },
      schema: {
        tags: ['admin'],
        summary: 'Reservations that were paid and then cancelled: what a door cannot see in a ticket',
        params: z.object({ performanceId: http.slug }),
        querystring: http.pageQuery.pick({ cursor: true }),
        response: { 200: http.page(http.id) },
      },
    },
    async ({ params: { performanceId }, query: { cursor } }) => {
      const cursors = cursorsOf(`cancelled-tickets ${performanceId}`, uuidForm);
      const page = await concerts.cancelledTickets(performanceId, pageSize, cursors.read(cursor));
      if (!page) throw new Refused('performance_not_found');
      return { items: page.items, nextCursor: cursors.write(page.next) };
    },
  );
}
