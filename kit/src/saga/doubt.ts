/**
 * Whether there may be rows of this driver's that it does not know of. A statement that failed may have been committed, or be
 * committed yet: a row it was to insert, or to take over, would be driven by nobody while its owner lives.
 *
 * It ends with looks, not with time: who slept has not looked, and a clock may be put forward.
 */
export class Doubt {
  readonly #looksNeeded: number;
  #looksLeft = 0;

  /** `looksNeeded`: so many together last longer than a statement may take. */
  constructor(looksNeeded: number) {
    this.#looksNeeded = looksNeeded;
  }

  get isThere(): boolean {
    return this.#looksLeft > 0;
  }

  arises(): void {
    this.#looksLeft = this.#looksNeeded;
  }

  looked(): void {
    this.#looksLeft = Math.max(0, this.#looksLeft - 1);
  }
}
