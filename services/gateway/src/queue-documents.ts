import { hash } from 'node:crypto';

export type QueueDocument = { readonly body: string; readonly etag: string };

type Kept = { readonly at: number; readonly document: QueueDocument | null };

const freshMs = 1_000;
/** So old it is still given while a newer one is read: polls do not stand behind the joins of a flood, second after second. */
const goodMs = 2_000;
/** While the waiting room is away the last document stays good so long: waiting need not know. */
const staleMs = 30_000;
const keptMost = 1_000;

/** The public documents of the lines, each read at most once a second however many poll. */
export class QueueDocuments {
  readonly #read: (concertId: string) => Promise<string | null>;
  readonly #now: () => number;
  readonly #kept = new Map<string, Kept>();
  readonly #reading = new Map<string, Promise<QueueDocument | null>>();

  constructor(
    read: (concertId: string) => Promise<string | null>,
    now: () => number = () => performance.now(),
  ) {
    this.#read = read;
    this.#now = now;
  }

  async find(concertId: string): Promise<QueueDocument | null> {
    const kept = this.#kept.get(concertId);
    if (kept && this.#now() < kept.at + freshMs) return kept.document;
    const reading = this.#reading.get(concertId) ?? this.#begin(concertId);
    if (kept && this.#now() < kept.at + goodMs) {
      // Whoever comes later and has to wait for it is told.
      reading.catch(() => {});
      return kept.document;
    }
    try {
      return await reading;
    } catch (error) {
      if (kept?.document && this.#now() < kept.at + staleMs) return kept.document;
      throw error;
    }
  }

  #begin(concertId: string): Promise<QueueDocument | null> {
    const reading = this.#refresh(concertId).finally(() => this.#reading.delete(concertId));
    this.#reading.set(concertId, reading);
    return reading;
  }

  async #refresh(concertId: string): Promise<QueueDocument | null> {
    const at = this.#now();
    const body = await this.#read(concertId);
    const before = this.#kept.get(concertId)?.document;
    const document = body === null ? null : before?.body === body ? before : documentOf(body);
    this.#kept.delete(concertId);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= keptMost && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(concertId, { at, document });
    return document;
  }
}

const documentOf = (body: string): QueueDocument => ({
  body,
  etag: `"${hash('sha256', body, 'base64url').slice(0, 16)}"`,
});
