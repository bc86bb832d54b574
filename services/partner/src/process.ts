import { runProcess, type Routes } from '@tutti/kit/process';
import { startPartner, type PartnerService } from './main.ts';
import { servePartner } from './rpc.ts';

await runProcess('partner', async ({ env, bus, log, host, telemetry }) => {
  const connection = { url: env.required('DATABASE_URL', 'where the database of this service is') };
  const secret = env.required('PARTNER_SECRET', 'what deliveries are signed with');
  const url = env.url('PARTNER_URL');
  const healthPort = env.integer('HEALTH_PORT', 0, { min: 0, max: 65_535 });
  env.check();
  const partner = await startPartner({ bus, connection, log, secret, telemetry });
  partner.deliverTo(url ?? new URL(`http://${host}:${healthPort}/partner-stub`));
  return {
    ...partner,
    serve: (server) => servePartner(server, partner.queries),
    ...(!url && { routes: stubRoutes(partner.stub) }),
  };
});

const listMost = 1_000;

/** The built-in receiver, where nobody named the promoter's own system. */
function stubRoutes(stub: PartnerService['stub']): Routes {
  return {
    'POST /partner-stub': async ({ headers, body }) => {
      const given = {
        id: String(headers['webhook-id']),
        timestamp: String(headers['webhook-timestamp']),
        signature: String(headers['webhook-signature']),
      };
      return { status: (await stub.receive(given, body)) ? 204 : 401, body: '' };
    },
    'GET /partner-stub': async ({ query }) => {
      const items = await stub.list(listMost, query.get('reservationId'));
      return { status: 200, body: JSON.stringify({ items }) };
    },
  };
}
