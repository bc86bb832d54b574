import type { Database } from '@tutti/kit/postgres';
import type { Log } from '@tutti/kit/service';
import { WebhookSigner } from '@tutti/partner';
// The product's own, so that peers without an engine deliver exactly as ours does.
import { Deliverer } from '../../../services/partner/src/deliverer.ts';
import { PartnerStore } from '../../../services/partner/src/store.ts';
import { HttpWire } from '../../../services/partner/src/wire.ts';
import type { PeerConfig } from './server.ts';

/** Hands what is in the table `delivery` to the promoter's system. */
export function startDeliverer(database: Database, config: PeerConfig, log: Log): Deliverer {
  return new Deliverer({
    store: new PartnerStore(database),
    signer: new WebhookSigner(config.partnerSecret),
    wire: new HttpWire(new URL(config.partnerUrl)),
    log,
  });
}
