import type { Sale } from '@tutti/contracts';
import { commitmentOf, placesOf, type Phase, type Places } from '@tutti/contracts/line';
import { randomBytes } from 'node:crypto';
import type { LineStore, SaleRow } from './store.ts';

/** A sale as it was a moment ago, with what follows from its row. */
export type KnownSale = {
  readonly row: SaleRow;
  readonly phase: Phase;
  /** The public document. */
  readonly document: string;
  /** The drawn order; undefined before the opening. */
  readonly places: Places | undefined;
};

/** The number of an arrival; undefined while it is not drawn. Who came after the opening is numbered as they came. */
export function numberOf({ row, places }: KnownSale, arrival: number): number | undefined {
  if (row.preQueueSize === null) return undefined;
  return arrival >= row.preQueueSize ? arrival + 1 : places?.numberOf(arrival);
}

const freshMs = 1_000;

/**
 * All sales in memory, read again at most once a second however many ask. What is decided by them is what may be a second
 * old: who is let in is decided at the row.
 */
export class Sales {
  readonly #store: LineStore;
  readonly #catalogue: () => Promise<readonly Sale[]>;
  readonly #now: () => number;
  #known: ReadonlyMap<string, KnownSale> = new Map();
  #readAt = -Infinity;
  #askedAt = -Infinity;
  #asking: Promise<void> | undefined;
  #reading: Promise<void> | undefined;

  constructor(
    store: LineStore,
    catalogue: () => Promise<readonly Sale[]>,
    now: () => number = () => performance.now(),
  ) {
    this.#store = store;
    this.#catalogue = catalogue;
    this.#now = now;
  }

  /** One that nobody knows here may be new in the catalogue: that is asked, at most once a second. */
  async find(concertId: string): Promise<KnownSale | undefined> {
    await this.#refresh();
    if (!this.#known.has(concertId)) await this.#ask();
    return this.#known.get(concertId);
  }

  /** With its drawn order, if it is drawn by now: of that nobody is told less than another process has told already. */
  async findDrawn(concertId: string): Promise<KnownSale | undefined> {
    const known = await this.find(concertId);
    if (!known || known.row.seed !== null) return known;
    // What is being read already may have been begun too early.
    await this.#reading;
    this.#readAt = -Infinity;
    return this.find(concertId);
  }

  /** Writes down the sales that are not known yet. */
  async add(heard: readonly Sale[]): Promise<void> {
    await this.#refresh();
    const fresh = heard.filter(({ concertId }) => !this.#known.has(concertId));
    if (fresh.length === 0) return;
    await this.#store.addSales(fresh.map((sale) => ({ ...sale, secret: randomBytes(32).toString('hex') })));
    this.#readAt = -Infinity;
    await this.#refresh();
  }

  /** Whoever comes while the catalogue is being asked waits for that answer. */
  #ask(): Promise<void> {
    if (!this.#asking && this.#now() < this.#askedAt + freshMs) return Promise.resolve();
    this.#asking ??= this.#askCatalogue().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #askCatalogue(): Promise<void> {
    this.#askedAt = this.#now();
    await this.add(await this.#catalogue());
  }

  #refresh(): Promise<void> {
    if (this.#now() < this.#readAt + freshMs) return Promise.resolve();
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<void> {
    const startedAt = this.#now();
    const rows = await this.#store.sales();
    this.#known = new Map(rows.map((row) => [row.concertId, this.#knownOf(row)]));
    this.#readAt = startedAt;
  }

  #knownOf(row: SaleRow): KnownSale {
    const before = this.#known.get(row.concertId);
    const isSame = before?.row.updatedAt === row.updatedAt && before.phase === phaseOf(row);
    return isSame ? { ...before, row } : knownSale(row, before);
  }
}

function knownSale(row: SaleRow, before: KnownSale | undefined): KnownSale {
  const { preQueueSize, seed } = row;
  // A drawn order never changes, and it has learnt much by the time it has been asked a while.
  const drawn = before?.row.seed === seed ? before.places : undefined;
  const places =
    drawn ?? (seed !== null && preQueueSize !== null ? placesOf({ seed, preQueueSize }) : undefined);
  return { row, phase: phaseOf(row), document: JSON.stringify(documentOf(row)), places };
}

/** Sold out is said when it is: while somebody holds a seat it may come back. */
export function phaseOf({ state, seed, capacity, paid, opensInSeconds }: SaleRow): Phase {
  if (state === 'closed') return 'closed';
  // All its performances have begun. (Before the draw its season may still be loading.)
  if (capacity === 0 && seed !== null) return 'closed';
  if (capacity > 0 && paid >= capacity) return 'sold_out';
  // The order was drawn and the opening was put off afterwards: the line stands.
  if (state === 'paused' || (seed !== null && opensInSeconds > 0)) return 'paused';
  return seed === null ? 'pre_queue' : 'open';
}

const pollAfterSeconds = 2;

function documentOf(row: SaleRow): object {
  const { opensAt, serving, joined, paceNow, seatsLeft, updatedAt, preQueueSize, joinRoot, secret, seed } =
    row;
  return {
    phase: phaseOf(row),
    opensAt,
    serving,
    issued: joined,
    pacePerSecond: paceNow.perSecond,
    ...(paceNow.later && { later: { from: paceNow.later.from, pacePerSecond: paceNow.later.perSecond } }),
    pollAfterSeconds,
    seatsLeft,
    updatedAt,
    commitment: commitmentOf(secret),
    ...(seed !== null && { preQueueSize, joinRoot, secret, seed }),
  };
}
