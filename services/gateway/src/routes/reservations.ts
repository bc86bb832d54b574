import * as http from '@tutti/contracts/http';
import * as z from 'zod';
import type { GatewayParts } from '../parts.ts';
import { Refused } from '../problems.ts';
import { answerEffect } from './effect-route.ts';
import {
  callerOf,
  decodeCursor,
  encodeCursor,
  problems,
  signedIn,
  uuidForm,
  type TypedApp,
} from './route.ts';

const tags = ['reservations'];
const params = z.object({ reservationId: http.id });
const noBody = z.strictObject({}).nullish();

export function reservationRoutes(app: TypedApp, { concerts, effects }: GatewayParts): void {
  app.post(
    '/reservations',
    {
      config: { access: 'fan', effect: true },
      schema: {
        tags,
        summary: 'Reserve one to six seats: all or none',
        security: signedIn,
        body: http.newReservation,
        response: { 201: http.reservation, ...problems(400, 401, 404, 409, 422, 429, 503, 504) },
      },
    },
    (request, reply) => {
      const { performanceId, seatIds } = request.body;
      const { userId } = callerOf(request);
      return answerEffect(request, reply, effects, 'reserve-seats', { userId, performanceId, seatIds });
    },
  );

  app.post(
    '/reservations/:reservationId/payment',
    {
      config: { access: 'fan', effect: true },
      schema: {
        tags,
        summary: 'Pay with points',
        security: signedIn,
        params,
        body: noBody,
        response: { 201: http.paid, ...problems(400, 401, 402, 404, 409, 422, 429, 503, 504) },
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
      config: { access: 'fan', effect: true },
      schema: {
        tags,
        summary: 'Cancel: the seats are free, what was paid comes back',
        security: signedIn,
        params,
        body: noBody,
        response: { 200: http.cancelled, ...problems(400, 401, 404, 409, 422, 429, 503, 504) },
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
        security: signedIn,
        querystring: http.pageQuery,
        response: { 200: http.page(http.reservation), ...problems(400, 401) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const before = decodeCursor(cursor, uuidForm);
      const { items, next } = await concerts.reservations(callerOf(request).userId, limit, before);
      return { items, nextCursor: encodeCursor(next) };
    },
  );

  app.get(
    '/reservations/:reservationId',
    {
      config: { access: 'fan' },
      schema: {
        tags,
        summary: 'One of my reservations',
        security: signedIn,
        params,
        response: { 200: http.reservation, ...problems(400, 401, 404) },
      },
    },
    async (request) => {
      const found = await concerts.reservation(callerOf(request).userId, request.params.reservationId);
      if (!found) throw new Refused('reservation_not_found');
      return found;
    },
  );
}
