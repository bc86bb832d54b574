/** What must be ended or removed when this process leaves, however it leaves; the newest first. */
export class Endings {
  readonly #steps: { what: string; end: () => Promise<void> }[] = [];
  #isOver = false;

  /** Whether this process is leaving: nothing new may be begun. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Returns a function that does it now; whoever asks again waits for the same end. */
  add(what: string, end: () => Promise<void>): () => Promise<void> {
    let ended: Promise<void> | undefined;
    const step = { what, end: () => (ended ??= end()) };
    this.#steps.push(step);
    return () => {
      const at = this.#steps.indexOf(step);
      if (at >= 0) this.#steps.splice(at, 1);
      return step.end();
    };
  }

  /** One that fails does not keep the others from ending. */
  async endAll(complain: (sentence: string) => void): Promise<void> {
    this.#isOver = true;
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      const { what, end } = step;
      await end().catch((error: unknown) => complain(`${what} could not be ended: ${String(error)}`));
    }
  }
}
