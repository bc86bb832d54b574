import * as http from '@tutti/contracts/http';
import * as z from 'zod';
import type { GatewayParts } from '../parts.ts';
import { Refused } from '../problems.ts';
import { refuseCursor, type TypedApp } from './route.ts';

const tags = ['admin'];

/** What the promoter's system has not taken: for operators to see, and to send again. */
export function deliveryRoutes(app: TypedApp, { deliveries }: GatewayParts): void {
  app.get(
    '/admin/deliveries',
    {
      config: { access: 'operator' },
      schema: {
        tags,
        summary: 'What the promoter’s system has not taken yet, oldest first',
        querystring: http.pageQuery,
        response: { 200: http.page(http.delivery) },
      },
    },
    async ({ query: { limit, cursor } }) => {
      refuseCursor(cursor);
      return { items: await deliveries.undelivered(limit), nextCursor: null };
    },
  );

  app.post(
    '/admin/deliveries/:deliveryId/replay',
    {
      config: { access: 'operator', refuses: ['delivery_not_found'] },
      schema: {
        tags,
        summary: 'Send it again now',
        body: http.noBody,
        params: z.object({ deliveryId: http.namedId }),
        response: { 202: z.null() },
      },
    },
    async (request, reply) => {
      if (!(await deliveries.replay(request.params.deliveryId))) throw new Refused('delivery_not_found');
      return reply.code(202).send(null);
    },
  );
}
