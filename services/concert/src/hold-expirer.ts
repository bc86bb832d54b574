import type { Lease } from '@tutti/kit/lock';
import type { Queryable } from '@tutti/kit/postgres';
import { crashPoint, type Log } from '@tutti/kit/service';

const checkMs = 1_000;
const batchMost = 500;

/** Ends holds that ran out, within seconds and never before, by the database's clock. One owner at a time, by lease. */
export class HoldExpirer {
  readonly #database: Queryable;
  readonly #lease: Lease;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> = Promise.resolve();
  #isOwner = false;

  constructor(options: { database: Queryable; lease: Lease; log: Log }) {
    this.#database = options.database;
    this.#lease = options.lease;
    this.#log = options.log;
    this.#timer = setInterval(() => {
      this.#running = this.#running.then(() => this.#run());
    }, checkMs);
  }

  /** Whether it had the lease when it last looked. */
  get isOwner(): boolean {
    return this.#isOwner;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
    await this.#lease.release().catch(() => {
      // It ends by itself.
    });
  }

  async #run(): Promise<void> {
    try {
      const fence = await this.#lease.take();
      this.#isOwner = fence !== null;
      if (fence === null) return;
      for (let ended = batchMost; ended === batchMost; ) ended = await this.expire(fence);
    } catch (error) {
      this.#isOwner = false;
      this.#log.warn({ error }, 'holds could not be ended; trying again');
    }
  }

  /** Ends at most a batch; returns how many. Throws when the fence is not the lease's any more. */
  async expire(fence: number): Promise<number> {
    crashPoint('expirer.before-expire');
    const [row] = await this.#database.query<{ ended: number }>('select expire_holds($1, $2) as ended', [
      fence,
      batchMost,
    ]);
    const ended = row?.ended ?? 0;
    if (ended > 0) crashPoint('expirer.after-expire');
    return ended;
  }
}
