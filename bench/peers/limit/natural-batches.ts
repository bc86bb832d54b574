type Waiting<I, O> = {
  readonly key: string;
  readonly item: I;
  readonly done: (result: O) => void;
  readonly failed: (error: unknown) => void;
};

/** What arrives while a batch is under way is the next batch. No batch holds a key twice. */
export class NaturalBatches<I, O> {
  readonly #run: (items: readonly I[]) => Promise<readonly O[]>;
  readonly #inFlightMax: number;
  readonly #batchMax: number;
  #waiting: Waiting<I, O>[] = [];
  #inFlight = 0;
  #scheduled = false;

  constructor(run: (items: readonly I[]) => Promise<readonly O[]>, inFlightMax: number, batchMax: number) {
    this.#run = run;
    this.#inFlightMax = inFlightMax;
    this.#batchMax = batchMax;
  }

  add(key: string, item: I): Promise<O> {
    return new Promise((done, failed) => {
      this.#waiting.push({ key, item, done, failed });
      this.#schedule();
    });
  }

  /** Waits for the rest of this turn of the event loop, so that requests that came together go together. */
  #schedule(): void {
    if (this.#scheduled || this.#inFlight >= this.#inFlightMax || this.#waiting.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      void this.#send();
    });
  }

  async #send(): Promise<void> {
    const batch = this.#take();
    this.#inFlight++;
    this.#schedule();
    try {
      const results = await this.#run(batch.map(({ item }) => item));
      for (const [index, { done, failed }] of batch.entries()) {
        const result = results[index];
        if (result === undefined) failed(new Error('The batch has no result for this one.'));
        else done(result);
      }
    } catch (error) {
      for (const { failed } of batch) failed(error);
    } finally {
      this.#inFlight--;
      this.#schedule();
    }
  }

  #take(): Waiting<I, O>[] {
    const keys = new Set<string>();
    const later: Waiting<I, O>[] = [];
    const batch = this.#waiting.filter((one) => {
      const isIn = keys.size < this.#batchMax && !keys.has(one.key);
      if (isIn) keys.add(one.key);
      else later.push(one);
      return isIn;
    });
    this.#waiting = later;
    return batch;
  }
}
