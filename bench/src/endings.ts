/** What must be ended or removed when this process leaves, however it leaves; the newest first. */
export class Endings {
  readonly #steps: { what: string; end: () => Promise<void> }[] = [];

  /** Returns a function that does it now, once. */
  add(what: string, end: () => Promise<void>): () => Promise<void> {
    const step = { what, end };
    this.#steps.push(step);
    return async () => {
      const at = this.#steps.indexOf(step);
      if (at < 0) return;
      this.#steps.splice(at, 1);
      await end();
    };
  }

  /** One that fails does not keep the others from ending. */
  async endAll(complain: (sentence: string) => void): Promise<void> {
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      const { what, end } = step;
      await end().catch((error: unknown) => complain(`${what} could not be ended: ${String(error)}`));
    }
  }
}
