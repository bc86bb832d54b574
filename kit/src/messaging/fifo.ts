const capacityMin = 16;

/**
 * First in, first out, each in constant time: an array's own `shift` moves everything that stands behind. A ring that
 * doubles when it is full and halves when three quarters are empty, so that a flood does not keep its memory for ever.
 */
export class Fifo<T extends NonNullable<unknown>> {
  #ring: (T | undefined)[] = Array.from({ length: capacityMin });
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    if (this.#length === this.#ring.length) this.#resize(this.#ring.length * 2);
    this.#ring[(this.#head + this.#length) % this.#ring.length] = item;
    this.#length++;
  }

  /** The one that `shift` would take. */
  peek(): T | undefined {
    return this.#ring[this.#head];
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#ring[this.#head];
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) % this.#ring.length;
    this.#length--;
    if (this.#ring.length > capacityMin && this.#length * 4 <= this.#ring.length)
      this.#resize(this.#ring.length / 2);
    return item;
  }

  *[Symbol.iterator](): Generator<T> {
    for (let at = 0; at < this.#length; at++) {
      const item = this.#ring[(this.#head + at) % this.#ring.length];
      if (item !== undefined) yield item;
    }
  }

  #resize(capacity: number): void {
    const old = this.#ring;
    this.#ring = Array.from({ length: capacity }, (_, at) =>
      at < this.#length ? old[(this.#head + at) % old.length] : undefined,
    );
    this.#head = 0;
  }
}
