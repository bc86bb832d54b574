import { AsyncLocalStorage } from 'node:async_hooks';

type Waiting<In, Out> = { given: In; done: (out: Out) => void; failed: (error: unknown) => void };

/** More wait than can be answered in time; a moment later there is room. */
export class TooManyWait extends Error {
  override name = 'TooManyWait';
  readonly code = 'RESOURCE_EXHAUSTED';
}

/** Natural batches: whatever arrived while the last one was under way is the next one. */
export class Batches<In, Out> {
  readonly #handle: (batch: readonly In[]) => Promise<readonly Out[]>;
  readonly #batchMax: number;
  readonly #waitingMax: number;
  #waiting: Waiting<In, Out>[] = [];
  #running: Promise<void> | undefined;
  /** Where nobody's deadline or trace reaches: the loop outlives the question that set it going. */
  readonly #outside = AsyncLocalStorage.snapshot();

  /** `handle` answers a batch in order. What it throws, all of the batch are told. */
  constructor(
    handle: (batch: readonly In[]) => Promise<readonly Out[]>,
    { batchMax, waitingMax }: { batchMax: number; waitingMax: number },
  ) {
    this.#handle = handle;
    this.#batchMax = batchMax;
    this.#waitingMax = waitingMax;
  }

  /** Throws TooManyWait when there is no room. */
  add(given: In): Promise<Out> {
    if (this.#waiting.length >= this.#waitingMax)
      return Promise.reject(new TooManyWait('Too many wait for their turn.'));
    return new Promise((done, failed) => {
      this.#waiting.push({ given, done, failed });
      this.#running ??= this.#outside(() => this.#run());
    });
  }

  /** Resolves when everything that was added is answered. */
  async stop(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      // What comes in the same turn of the event loop belongs together.
      await new Promise((turn) => setImmediate(turn));
      const batch = this.#waiting.splice(0, this.#batchMax);
      try {
        const answers = await this.#handle(batch.map(({ given }) => given));
        for (const [index, { done, failed }] of batch.entries()) {
          const answer = answers[index];
          if (answer === undefined) failed(new Error('A batch came back without an answer for each.'));
          else done(answer);
        }
      } catch (error) {
        for (const { failed } of batch) failed(error);
      }
    }
    this.#running = undefined;
  }
}
