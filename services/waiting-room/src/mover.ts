import type { SaleQueries } from '@tutti/contracts';
import { joinList, joinOf, seedOf } from '@tutti/contracts/line';
import type { Lease } from '@tutti/kit/lock';
import type { Log } from '@tutti/kit/service';
import { isDeepStrictEqual } from 'node:util';
import { nextMove, paceOf, type Figures } from './line.ts';
import type { Sales } from './sales.ts';
import type { LineFigures, LineStore, SaleRow, TakenSlot } from './store.ts';
import type { LineTokens } from './tokens.ts';

const everyMs = 1_000;
const questionsMost = 1_000;
/** Some milliseconds of hashing: nobody who asks this process meanwhile waits longer. */
const arrivalsMost = 500;

export type MoverOptions = {
  readonly store: LineStore;
  readonly sales: Sales;
  readonly catalogue: Pick<SaleQueries, 'sales' | 'settleAdmissions'>;
  readonly tokens: LineTokens;
  readonly lease: Lease;
  readonly log: Log;
  readonly everyMs?: number;
};

class LeaseLost extends Error {
  override name = 'LeaseLost';
}

/**
 * The one owner of the lines, each second: hears how the sales stand, opens what is due, frees the slots of those who are out,
 * and says whose turn it is. Everything it decides by is read again; what it writes carries its fence.
 */
export class Mover {
  readonly #options: MoverOptions;
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> = Promise.resolve();
  #isBusy = false;
  #isOwner = false;
  #movedAt = performance.now();
  /** Permissions to call that are left over, by sale. */
  #credits = new Map<number, number>();

  constructor(options: MoverOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      // One that takes longer than a second is not joined by others behind it.
      if (this.#isBusy) return;
      this.#isBusy = true;
      this.#running = this.#run().finally(() => {
        this.#isBusy = false;
      });
    }, options.everyMs ?? everyMs);
  }

  /** Whether it had the lease when it last looked. */
  get isOwner(): boolean {
    return this.#isOwner;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
    await this.#options.lease.release().catch(() => {
      // It ends by itself.
    });
  }

  async #run(): Promise<void> {
    try {
      const fence = await this.#options.lease.take();
      this.#isOwner = fence !== null;
      if (fence !== null) await this.look(fence);
    } catch (error) {
      this.#isOwner = false;
      this.#options.log.warn({ error }, 'the lines could not be looked after; trying again');
    }
  }

  /** One look at everything. Throws when the fence is not the lease's any more, or when the seats cannot be asked for. */
  async look(fence: number): Promise<void> {
    const { store, sales, catalogue } = this.#options;
    const heard = await catalogue.sales();
    await sales.add(heard);
    await store.updateSales(fence, heard);
    await store.closePreQueues(fence);
    const rows = await store.sales();
    for (const row of rows)
      if (row.preQueueSize !== null && row.seed === null) await this.#draw(fence, row, row.preQueueSize);
    await this.#settle(rows);
    await store.forgetKnocks();
    await this.#moveAll(fence, await store.sales());
  }

  /** The order is drawn of a list that nobody can add to any more; a million joins take seconds, and nobody waits for them. */
  async #draw(fence: number, { id, concertId, secret }: SaleRow, preQueueSize: number): Promise<void> {
    const { store, tokens, lease, log } = this.#options;
    const list = joinList();
    for (let from = 0; from < preQueueSize; from += arrivalsMost) {
      const below = Math.min(from + arrivalsMost, preQueueSize);
      const arrivals = await store.arrivals(id, from, below);
      const joins = arrivals.map(({ arrival, fan }) => joinOf(tokens.place(concertId, fan, arrival)));
      for (const join of joins) list.add(join);
      await store.noteJoins(fence, id, from, joins);
      // The draw of a large pre-queue takes longer than a lease lasts.
      if ((await lease.take()) !== fence) throw new LeaseLost('The lease was lost while an order was drawn.');
    }
    const joinRoot = list.root();
    await store.publishOrder(fence, id, joinRoot, seedOf(secret, joinRoot));
    log.info({ concertId, preQueueSize, joinRoot }, 'a sale opened: the order is drawn');
  }

  /** Asks what became of those inside, and frees the slots of those who are out. */
  async #settle(rows: readonly SaleRow[]): Promise<void> {
    const { store, catalogue } = this.#options;
    const concertOf = new Map(rows.map(({ id, concertId }) => [id, concertId]));
    const taken = await store.taken();
    for (let from = 0; from < taken.length; from += questionsMost) {
      const some = taken.slice(from, from + questionsMost);
      const states = await catalogue.settleAdmissions(
        some.map(({ sale, fan, number, generation, since, mayEnd }) => ({
          concertId: concertOf.get(sale) ?? '',
          userId: fan,
          number,
          generation,
          since,
          mayEnd,
        })),
      );
      const over = some.filter((_: TakenSlot, index) => states[index] === 'over');
      if (over.length > 0) await store.freeSlots(over);
    }
  }

  async #moveAll(fence: number, rows: readonly SaleRow[]): Promise<void> {
    const now = performance.now();
    const elapsedSeconds = (now - this.#movedAt) / 1_000;
    this.#movedAt = now;
    const byId = new Map(rows.map((row) => [row.id, row]));
    const credits = new Map<number, number>();
    for (const line of await this.#options.store.figures()) {
      const row = byId.get(line.id);
      if (!row || row.opensInSeconds > 0) continue;
      const figures = figuresOf(line, row);
      const credit = this.#credits.get(line.id) ?? 0;
      const next = nextMove(figures, credit, elapsedSeconds);
      credits.set(line.id, await this.#move(fence, line, next));
      const pace = paceOf(figures);
      if (!isDeepStrictEqual(pace, row.paceNow)) await this.#options.store.notePace(fence, line.id, pace);
    }
    this.#credits = credits;
  }

  async #move(
    fence: number,
    { id, serving }: LineFigures,
    next: { serving: number; credit: number },
  ): Promise<number> {
    if (next.serving === serving) return next.credit;
    const isMoved = await this.#options.store.move(fence, id, serving, next.serving);
    return isMoved ? next.credit : 0;
  }
}

const figuresOf = (line: LineFigures, { inside, pace, capacity, held, paid }: SaleRow): Figures => ({
  ...line,
  inside,
  pace,
  left: capacity - held - paid,
});
