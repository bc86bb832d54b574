/**
 * What a shared cache does with one document under a row of requests (RFC 9111, RFC 5861): fresh for `freshMs` after it was
 * fetched; after that for `graceMs` given as it is, while one request fetches the new one; after that all wait for one fetch.
 * It counts what the origin is asked. Times have to grow.
 */
export class CacheModel {
  readonly #freshMs: number;
  readonly #graceMs: number;
  readonly #fetchMs: number;
  #fetched = -Infinity;
  #fetchEnds = -Infinity;
  #received = 0;
  #sentOn = 0;

  constructor(times: { freshMs: number; graceMs: number; fetchMs: number }) {
    this.#freshMs = times.freshMs;
    this.#graceMs = times.graceMs;
    this.#fetchMs = times.fetchMs;
  }

  get counts(): { readonly received: number; readonly sentOn: number } {
    return { received: this.#received, sentOn: this.#sentOn };
  }

  /** Returns from when the document is that this request is given. */
  request(atMs: number): number {
    this.#received++;
    if (this.#fetchEnds > this.#fetched && this.#fetchEnds <= atMs) this.#fetched = this.#fetchEnds;
    const ageMs = atMs - this.#fetched;
    const isFetching = this.#fetchEnds > this.#fetched;
    if (ageMs >= this.#freshMs && !isFetching) {
      this.#sentOn++;
      this.#fetchEnds = atMs + this.#fetchMs;
    }
    return ageMs < this.#freshMs + this.#graceMs ? this.#fetched : this.#fetchEnds;
  }
}
