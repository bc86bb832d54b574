import { WebhookSigner } from '@tutti/partner';
import { Pool } from 'undici';
import type { PeerConfig } from './server.ts';
import type { Delivery } from './statements.ts';

let pool: Pool | undefined;
let signer: WebhookSigner | undefined;

/** Tells the promoter's system, once; throws when it does not take it. Signed and sent as ours does (services/partner). */
export async function postToPartner(
  { partnerUrl, partnerSecret }: PeerConfig,
  { id, body }: Delivery,
): Promise<void> {
  const url = new URL(partnerUrl);
  pool ??= new Pool(url.origin, { connections: 16 });
  signer ??= new WebhookSigner(partnerSecret);
  const headers = signer.headers(id, Math.floor(Date.now() / 1_000), body);
  const answer = await pool.request({ path: url.pathname, method: 'POST', headers, body });
  await answer.body.dump();
  if (answer.statusCode < 200 || answer.statusCode > 299) throw new Error(`HTTP status ${answer.statusCode}`);
}
