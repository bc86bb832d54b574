import type { PartnerQueries } from '@tutti/contracts';
import { deliveryToWire, PartnerService } from '@tutti/contracts/wire/partner';
import type { RpcServer } from '@tutti/kit/rpc';

/** Answers the queries of others over gRPC. */
export function servePartner(server: RpcServer, queries: PartnerQueries): void {
  server.serve(PartnerService, {
    undelivered: async ({ limit }) => ({ items: (await queries.undelivered(limit)).map(deliveryToWire) }),
    replay: async ({ deliveryId }) => ({ isDue: await queries.replay(deliveryId) }),
  });
}
