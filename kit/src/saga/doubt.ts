/** Longer than a statement may take. */
const statementSecondsMax = 15;

/**
 * Whether there may be rows of this driver's that it does not know of. A statement that failed may have been committed, or be
 * committed yet: a row it was to insert, or to take over, would be driven by nobody while its owner lives. A write that finds
 * its row taken over may have met such a take-over of its own.
 *
 * It ends with looks, not with time: who slept has not looked, and a clock may be put forward.
 */
export class Doubt {
  readonly #looksNeeded: number;
  #looksLeft = 0;

  /** `secondsBetweenLooks`: at least. */
  constructor(secondsBetweenLooks: number) {
    this.#looksNeeded = 1 + Math.ceil(statementSecondsMax / secondsBetweenLooks);
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
