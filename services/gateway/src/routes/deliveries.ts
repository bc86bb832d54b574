import * as http from '@tutti/contracts/http';
import * as z from 'zod';
import type { GatewayParts } from '../parts.ts';
import { Refused } from '../problems.ts';
import { problems, signedIn, type TypedApp } from './route.ts';

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
        security: signedIn,
        querystring: z.object({ limit: http.pageQuery.shape.limit }),
        response: { 200: http.page(http.delivery), ...problems(400, 401, 403) },
      },
    },
    async ({ query: { limit } }) => ({ items: await deliveries.undelivered(limit), nextCursor: null }),
  );

  app.post(
    '/admin/deliveries/:deliveryId/replay',
    {
      config: { access: 'operator' },
      schema: {
        tags,
        summary: 'Send it again now',
        security: signedIn,
        params: z.object({ deliveryId: http.id }),
        response: { 202: z.null(), ...problems(400, 401, 403, 404) },
      },
    },
    async (request, reply) => {
      if (!(await deliveries.replay(request.params.deliveryId))) throw new Refused('delivery_not_found');
      return reply.code(202).send(null);
    },
  );
}
