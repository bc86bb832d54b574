import * as http from '@tutti/contracts/http';
import type { GatewayParts } from '../parts.ts';
import { Refused } from '../problems.ts';
import { answerEffect } from './effect-route.ts';
import { callerOf, cursorsOf, type TypedApp } from './route.ts';

const tags = ['points'];

export function pointRoutes(app: TypedApp, { payments, effects, chargesEnabled }: GatewayParts): void {
  app.get(
    '/points',
    {
      config: { access: 'fan' },
      schema: {
        tags,
        summary: 'My balance',
        response: { 200: http.balance },
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
        querystring: http.pageQuery,
        response: { 200: http.page(http.entry) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const { userId } = callerOf(request);
      const cursors = cursorsOf(`entries ${userId}`, /^\d{1,15}$/);
      const before = cursors.read(cursor);
      const { items, next } = await payments.entries(userId, limit, before === null ? null : Number(before));
      return { items, nextCursor: cursors.write(next) };
    },
  );

  app.post(
    '/points/charges',
    {
      config: { access: 'fan', effect: true, refuses: ['charges_disabled', 'balance_limit'] },
      schema: {
        tags,
        summary: 'Charge points. In a demo they cost nothing.',
        body: http.newCharge,
        response: { 201: http.charge },
      },
    },
    (request, reply) => {
      if (!chargesEnabled) throw new Refused('charges_disabled');
      const { userId } = callerOf(request);
      return answerEffect(request, reply, effects, 'charge-points', { userId, amount: request.body.amount });
    },
  );
}
