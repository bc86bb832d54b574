import { createHmac, createSecretKey, timingSafeEqual, type KeyObject } from 'node:crypto';

/** Signs as Standard Webhooks describe (standardwebhooks.com, symmetric signatures): HMAC-SHA256 over id.timestamp.body. */
export class WebhookSigner {
  /** Prepared once: bytes would be turned into a key for every signature. */
  readonly #key: KeyObject;

  /** `secret`: `whsec_` and the key in base64; anything else is taken as the key's own bytes. */
  constructor(secret: string) {
    this.#key = createSecretKey(
      secret.startsWith('whsec_')
        ? Buffer.from(secret.slice('whsec_'.length), 'base64')
        : Buffer.from(secret),
    );
  }

  headers(id: string, timestampSeconds: number, body: string): Record<string, string> {
    return {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(timestampSeconds),
      'webhook-signature': `v1,${this.#signature(id, String(timestampSeconds), body)}`,
    };
  }

  /** Whether one of the signatures in the header is ours; several stand there while a secret is being changed. */
  isOurs(id: string, timestamp: string, signatures: string, body: string): boolean {
    const expected = Buffer.from(`v1,${this.#signature(id, timestamp, body)}`);
    return signatures
      .split(' ')
      .map((signature) => Buffer.from(signature))
      .some((given) => given.length === expected.length && timingSafeEqual(given, expected));
  }

  #signature(id: string, timestamp: string, body: string): string {
    return createHmac('sha256', this.#key)
      .update(`${id}.${timestamp}.${body}`)
      .digest('base64');
  }
}
