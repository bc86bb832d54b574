import { crashPoint, heldCrashPoint } from '@tutti/kit/service';
import type { PartnerStore, Receipt } from './store.ts';
import type { WebhookSigner } from './webhook.ts';

type Waiting = { receipt: Receipt; done: () => void; failed: (error: unknown) => void };

/** The built-in receiver: checks the signature, remembers durably, a batch at a time, and then says it has it. */
export class PartnerStub {
  readonly #store: PartnerStore;
  readonly #signer: WebhookSigner;
  #waiting: Waiting[] = [];
  #writing = false;

  constructor(store: PartnerStore, signer: WebhookSigner) {
    this.#store = store;
    this.#signer = signer;
  }

  /** False when the signature is not ours or the body is no JSON. */
  async receive(
    headers: { id: string; timestamp: string; signature: string },
    body: string,
  ): Promise<boolean> {
    if (!this.#signer.isOurs(headers.id, headers.timestamp, headers.signature, body)) return false;
    const receipt = { id: headers.id, body: JSON.parse(body) };
    await new Promise<void>((done, failed) => {
      this.#waiting.push({ receipt, done, failed });
      if (!this.#writing) void this.#write();
    });
    return true;
  }

  list(most: number, reservationId: string | null): Promise<object[]> {
    return this.#store.receipts(most, reservationId);
  }

  async #write(): Promise<void> {
    this.#writing = true;
    await new Promise((turn) => setImmediate(turn));
    while (this.#waiting.length > 0) {
      const batch = new Map(this.#waiting.map((one) => [one.receipt.id, one.receipt]));
      const waiting = this.#waiting;
      this.#waiting = [];
      try {
        await heldCrashPoint('stub.before-receive');
        await this.#store.receive([...batch.values()]);
        crashPoint('stub.after-receive');
        for (const { done } of waiting) done();
      } catch (error) {
        for (const { failed } of waiting) failed(error);
      }
    }
    this.#writing = false;
  }
}
