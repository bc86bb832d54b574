import { heldCrashPoint, type Log } from '../service/index.ts';
import type { RowWrite, SagaStore, Written } from './store.ts';

type Waiting = { write: RowWrite; done: (isOurs: boolean) => void };

/** How long writes that nobody waits for gather: fewer commits, and nothing is later for it but the row. */
const gatherMs = 10;
const retryFirstMs = 100;
const retryMaxMs = 5_000;

const nameOf = ({ id, epoch }: Written): string => `${id} ${epoch}`;

/**
 * Writes rows in natural batches: what gathers while one statement is under way is the next statement. A write that fails is
 * tried again until it is known to be in or to be somebody else's; how many wait is bounded by the live sagas.
 */
export class RowWriter {
  readonly #store: SagaStore;
  readonly #owner: string;
  readonly #log: Log;
  #waiting: Waiting[] = [];
  #isUrgent = false;
  #running: Promise<void> | undefined;
  /** Ends the gathering. */
  #hurry = () => {};
  #stopped = false;

  constructor(store: SagaStore, owner: string, log: Log) {
    this.#store = store;
    this.#owner = owner;
    this.#log = log;
  }

  /** What no statement has taken yet. */
  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** Resolves to whether the row was still this driver's. `isUrgent`: something waits for that. */
  write(write: RowWrite, isUrgent: boolean): Promise<boolean> {
    return new Promise((done) => {
      this.#waiting.push({ write, done });
      this.#isUrgent ||= isUrgent;
      this.#running ??= this.#run();
      if (this.#isUrgent) this.#hurry();
    });
  }

  /** Writes what waits, giving up on a database that does not answer: the next owner comes to the same end. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#hurry();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      if (!this.#isUrgent && !this.#stopped) await this.#gather();
      await new Promise((turn) => setImmediate(turn));
      const batch = this.#waiting;
      this.#waiting = [];
      this.#isUrgent = false;
      const ours = await this.#writeUntilDone(batch.map(({ write }) => write));
      for (const { write, done } of batch) done(ours.has(nameOf(write)));
    }
    this.#running = undefined;
  }

  #gather(): Promise<void> {
    return new Promise((done) => {
      const timer = setTimeout(done, gatherMs);
      this.#hurry = () => {
        clearTimeout(timer);
        done();
      };
    });
  }

  async #writeUntilDone(writes: readonly RowWrite[]): Promise<ReadonlySet<string>> {
    if (writes.some(({ status }) => status !== 'compensating')) await heldCrashPoint('saga.after-answer');
    if (writes.some(({ status }) => status === 'failed')) await heldCrashPoint('saga.after-refusal');
    // A try whose commit was in doubt may have ended rows already: the repeat would not find them open.
    for (let attempt = 0; ; attempt++) {
      try {
        return new Set((await this.#store.write(writes, this.#owner)).map(nameOf));
      } catch (error) {
        if (this.#stopped) return new Set();
        this.#log.warn({ error, rows: writes.length }, 'saga rows could not be written; trying again');
        const delayMs = Math.min(retryMaxMs, retryFirstMs * 2 ** attempt) * (0.5 + Math.random() / 2);
        await new Promise((later) => setTimeout(later, delayMs));
      }
    }
  }
}
