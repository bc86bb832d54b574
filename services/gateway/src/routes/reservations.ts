import * as http from '@tutti/contracts/http';
import * as z from 'zod';
import type { GatewayParts } from '../parts.ts';
import { Refused } from '../problems.ts';
import { answerEffect, idempotencyKeyOf, routeOf } from './effect-route.ts';
import { callerOf, cursorsOf, uuidForm, type TypedApp } from './route.ts';

const tags = ['reservations'];
const params = z.object({ reservationId: http.namedId });

export function reservationRoutes(
  app: TypedApp,
  { concerts, effects, admissions, operations, seating }: GatewayParts,
): void {
  app.post(
    '/reservations',
    {
      config: {
        access: 'fan',
        effect: true,
        admission: true,
        refuses: [
          'performance_not_found',
          'seat_not_found',
          'seat_unavailable',
          'seat_limit_exceeded',
          'sale_not_open',
          'sale_closed',
        ],
      },
      schema: {
        tags,
        summary: 'Reserve one to six seats: all or none',
        body: http.newReservation,
        response: { 201: http.reservation },
      },
    },
    async (request, reply) => {
      const { performanceId, seatIds } = request.body;
      const { userId } = callerOf(request);
      const token = request.headers['admission-token'];
      const isRepeat = () => operations.isKnown(userId, routeOf(request), idempotencyKeyOf(request));
      const admission = await admissions.check(token, userId, performanceId, isRepeat);
      const alternatives = await seating.alternatives(performanceId, seatIds);
      const wish = {
        userId,
        performanceId,
        seatIds,
        ...(admission && { admission }),
        ...(alternatives && { alternatives }),
      };
      return answerEffect(request, reply, effects, 'reserve-seats', wish);
    },
  );

  app.post(
    '/reservations/:reservationId/payment',
    {
      config: {
        access: 'fan',
        effect: true,
        refuses: [
          'insufficient_points',
          'reservation_not_found',
          'reservation_expired',
          'reservation_cancelled',
          'already_paid',
          'payment_in_progress',
        ],
      },
      schema: {
        tags,
        summary: 'Pay with points',
        params,
        body: http.noBody,
        response: { 201: http.paid },
      },
    },
    (request, reply) => {
      const { userId } = callerOf(request);
      const { reservationId } = request.params;
      return answerEffect(request, reply, effects, 'pay-reservation', { userId, reservationId });
    },
  );

  app.post(
    '/reservations/:reservationId/cancellation',
    {
      config: {
        access: 'fan',
        effect: true,
        refuses: [
          'reservation_not_found',
          'reservation_expired',
          'payment_in_progress',
          'cancellation_closed',
        ],
      },
      schema: {
        tags,
        summary: 'Cancel: the seats are free, what was paid comes back',
        params,
        body: http.noBody,
        response: { 200: http.cancelled },
      },
    },
    (request, reply) => {
      const { userId } = callerOf(request);
      const { reservationId } = request.params;
      return answerEffect(request, reply, effects, 'cancel-reservation', { userId, reservationId });
    },
  );

  app.get(
    '/reservations',
    {
      config: { access: 'fan' },
      schema: {
        tags,
        summary: 'My reservations, newest first',
        querystring: http.pageQuery,
        response: { 200: http.page(http.reservation) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const { userId } = callerOf(request);
      const cursors = cursorsOf(`reservations ${userId}`, uuidForm);
      const { items, next } = await concerts.reservations(userId, limit, cursors.read(cursor));
      return { items, nextCursor: cursors.write(next) };
    },
  );

  app.get(
    '/reservations/:reservationId',
    {
      config: { access: 'fan', refuses: ['reservation_not_found'] },
      schema: {
        tags,
        summary: 'One of my reservations',
        params,
        response: { 200: http.reservation },
      },
    },
    async (request) => {
      const found = await concerts.reservation(callerOf(request).userId, request.params.reservationId);
      if (!found) throw new Refused('reservation_not_found');
      return found;
    },
  );
}
