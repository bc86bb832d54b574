import * as http from '@tutti/contracts/http';
import * as z from 'zod';
import type { PartnerReceiver } from '../parts.ts';
import type { TypedApp } from './route.ts';

const listMost = 1_000;

export function partnerStubRoutes(app: TypedApp, stub: PartnerReceiver): void {
  void app.register(async (scope: TypedApp) => {
    // The signature is over the bytes as they came.
    scope.removeContentTypeParser('application/json');
    scope.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) =>
      done(null, body),
    );

    scope.post('/partner-stub', { schema: { hide: true } }, async ({ headers, body }, reply) => {
      const given = {
        id: String(headers['webhook-id']),
        timestamp: String(headers['webhook-timestamp']),
        signature: String(headers['webhook-signature']),
      };
      const isOurs = typeof body === 'string' && (await stub.receive(given, body));
      return reply.code(isOurs ? 204 : 401).send();
    });

    scope.get(
      '/partner-stub',
      { schema: { hide: true, querystring: z.object({ reservationId: http.namedId.optional() }) } },
      async ({ query }) => ({ items: await stub.list(listMost, query.reservationId ?? null) }),
    );
  });
}
