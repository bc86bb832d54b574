const capacityMin = 16;

/**
 * First in, first out, each in constant time: an array's own `shift` moves everything that stands behind. A ring that
 * doubles when it is full and halves when three quarters are empty, so that a flood does not keep its memory for ever.
 */
export class Fifo<T extends NonNullable<unknown>> {
  // Its length is a power of two, so that `& mask` wraps a place around.
  #ring = emptyRing<T>(capacityMin);
  #mask = capacityMin - 1;
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    if (this.#length > this.#mask) this.#resize(this.#ring.length * 2);
    this.#ring[(this.#head + this.#length) & this.#mask] = item;
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
    this.#head = (this.#head + 1) & this.#mask;
    this.#length--;
    if (this.#ring.length > capacityMin && this.#length * 4 <= this.#ring.length)
      this.#resize(this.#ring.length / 2);
    return item;
  }

  *[Symbol.iterator](): Generator<T> {
    for (let at = 0; at < this.#length; at++) {
      const item = this.#ring[(this.#head + at) & this.#mask];
      if (item !== undefined) yield item;
    }
  }

  #resize(capacity: number): void {
    const ring = emptyRing<T>(capacity);
    for (let at = 0; at < this.#length; at++) ring[at] = this.#ring[(this.#head + at) & this.#mask];
    this.#ring = ring;
    this.#mask = capacity - 1;
    this.#head = 0;
  }
}

const emptyRing = <T>(capacity: number): (T | undefined)[] => Array.from({ length: capacity });
