import * as http from '@tutti/contracts/http';
import type { GatewayParts } from '../parts.ts';
import { Refused } from '../problems.ts';
import { answerEffect } from './effect-route.ts';
import { callerOf, decodeCursor, encodeCursor, problems, signedIn, type TypedApp } from './route.ts';

const tags = ['points'];

export function pointRoutes(app: TypedApp, { payments, effects, chargesEnabled }: GatewayParts): void {
  app.get(
    '/points',
    {
      config: { access: 'fan' },
      schema: {
        tags,
        summary: 'My balance',
        security: signedIn,
        response: { 200: http.balance, ...problems(401) },
      },
    },
    (request) => payments.balance(callerOf(request).userId),
  );

  app.get(
    '/points/entries',
    {
      config: { access: 'fan' },
      schema: {
        tags,
        summary: 'My ledger, newest first',
        security: signedIn,
        querystring: http.pageQuery,
        response: { 200: http.page(http.entry), ...problems(400, 401) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const before = decodeCursor(cursor, /^\d{1,15}$/);
      const { userId } = callerOf(request);
      const { items, next } = await payments.entries(userId, limit, before === null ? null : Number(before));
      return { items, nextCursor: encodeCursor(next) };
    },
  );

  app.post(
    '/points/charges',
    {
      config: { access: 'fan', effect: true },
      schema: {
        tags,
        summary: 'Charge points. In a demo they cost nothing.',
        security: signedIn,
        body: http.newCharge,
        response: { 201: http.charge, ...problems(400, 401, 403, 409, 422, 429, 503, 504) },
      },
    },
    (request, reply) => {
      if (!chargesEnabled) throw new Refused('charges_disabled');
      const { userId } = callerOf(request);
      return answerEffect(request, reply, effects, 'charge-points', { userId, amount: request.body.amount });
    },
  );
}
