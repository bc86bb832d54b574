import * as http from '@tutti/contracts/http';
import * as z from 'zod';
import type { GatewayParts } from '../parts.ts';
import { Refused } from '../problems.ts';
import { callerOf, type TypedApp } from './route.ts';

const tags = ['admin'];
const params = z.object({ concertId: http.slug });

/** The promoter's hand on a sale. Every act is written down with who, when and why. */
export function saleRoutes(app: TypedApp, { sales }: GatewayParts): void {
  app.put(
    '/admin/concerts/:concertId/sale',
    {
      config: { access: 'promoter', refuses: ['concert_not_found', 'no_waiting_room'] },
      schema: {
        tags,
        summary: 'Open, pause or close a sale; let fans in slower or faster',
        params,
        body: http.saleChange,
        response: { 200: http.saleView },
      },
    },
    async (request) => {
      const { state, pace, reason } = request.body;
      const change = { ...(state !== undefined && { state }), ...(pace !== undefined && { pace }), reason };
      const sale = await sales.changeSale(request.params.concertId, callerOf(request).userId, change);
      if (sale === 'not_found') throw new Refused('concert_not_found');
      if (sale === 'no_waiting_room') throw new Refused(sale);
      return sale;
    },
  );

  app.get(
    '/admin/concerts/:concertId/sale',
    {
      config: { access: 'promoter', refuses: ['concert_not_found'] },
      schema: {
        tags,
        summary: 'How a sale stands, and what was done to it, newest first',
        params,
        response: { 200: http.saleWithActs },
      },
    },
    async (request) => {
      const found = await sales.sale(request.params.concertId);
      if (!found) throw new Refused('concert_not_found');
      return { ...found.sale, acts: found.acts };
    },
  );
}
