import {
  seatChanges,
  type Availability,
  type ConcertQueries,
  type KnownAvailability,
  type SeatChange,
} from '@tutti/contracts';
import { AsyncLocalStorage } from 'node:async_hooks';

/** The seats of a performance at one moment; never changed, only replaced. */
export type SeatState = {
  readonly performanceId: string;
  readonly version: number;
  readonly sequence: number;
  readonly seats: Buffer;
};

/** One state became the next. No changes are told where it does not follow from it: another map, a jump back, too much at once. */
export type SeatNews = {
  readonly from: number;
  readonly version: number;
  readonly sequence: number;
  readonly changes: readonly SeatChange[] | null;
};

type Entry = { readonly state: SeatState; readonly readAt: number; readonly past: readonly SeatNews[] };
type Asked = PromiseWithResolvers<SeatState | null>;

type Queries = Pick<ConcertQueries, 'availability'>;

/** What a crowd asks of a performance costs one read in this time. */
export const freshMs = 250;
const refreshMs = 1_000;
const entriesMax = 500;
const askedMax = 50;
const never = -1;
/** A minute of news or more, as long as a hall's worth of seats has not changed meanwhile. */
const newsMax = 240;
const changesMax = 20_000;
const changesAtOnceMax = 4_000;

/**
 * What this gateway knows of the seats that are left. Whoever asks within a quarter of a second of a read is told what it
 * found; whoever asks during a read waits for it. Performances asked for together are read together, one read at a time.
 */
export class SeatMemory {
  readonly #queries: Queries;
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();
  readonly #waiting = new Map<string, Asked>();
  readonly #reading = new Map<string, Asked>();
  #run: Promise<void> | undefined;
  /** What is read for all who ask is a part of nobody's trace. */
  readonly #outside = AsyncLocalStorage.snapshot();

  /** Told of every state that differs from `before`, in order. */
  onNews: (news: SeatNews, before: SeatState, state: SeatState) => void = () => {};

  constructor(queries: Queries, now: () => number = () => performance.now()) {
    this.#queries = queries;
    this.#now = now;
  }

  /** Null when there is no such performance. Not older than `ageMs`, nor than the read that was under way. */
  async at(performanceId: string, ageMs = freshMs): Promise<SeatState | null> {
    const known = this.#entries.get(performanceId);
    return known && this.#now() - known.readAt < ageMs ? known.state : this.#read(performanceId);
  }

  /** What is known without asking, however old. */
  known(performanceId: string): SeatState | undefined {
    return this.#entries.get(performanceId)?.state;
  }

  /** What was found within the last seconds, without waiting; what is getting old is read again meanwhile. */
  recent(performanceId: string, ageMsMax: number): SeatState | undefined {
    const entry = this.#entries.get(performanceId);
    const ageMs = entry ? this.#now() - entry.readAt : Number.POSITIVE_INFINITY;
    if (ageMs > ageMsMax) return undefined;
    // Whoever waits for it hears of the fault.
    if (ageMs > refreshMs) this.#read(performanceId).catch(() => {});
    return entry?.state;
  }

  /** What came after `sequence`, in order; null where that is not known any more, or never was a state that was told. */
  newsSince(performanceId: string, sequence: number): readonly SeatNews[] | null {
    const entry = this.#entries.get(performanceId);
    if (entry?.state.sequence === sequence) return [];
    const first = entry?.past.findIndex(({ from }) => from === sequence) ?? -1;
    return first < 0 ? null : (entry?.past.slice(first) ?? null);
  }

  #read(performanceId: string): Promise<SeatState | null> {
    const pending = this.#reading.get(performanceId) ?? this.#waiting.get(performanceId);
    if (pending) return pending.promise;
    const asked: Asked = Promise.withResolvers();
    this.#waiting.set(performanceId, asked);
    this.#run ??= this.#outside(() => this.#readAll()).finally(() => {
      this.#run = undefined;
    });
    return asked.promise;
  }

  async #readAll(): Promise<void> {
    // All who ask in this turn of the event loop.
    await new Promise((next) => setImmediate(next));
    while (this.#waiting.size > 0) {
      for (const [id, asked] of [...this.#waiting].slice(0, askedMax)) {
        this.#waiting.delete(id);
        this.#reading.set(id, asked);
      }
      // Who asks when a read has ended asks for the next one.
      await this.#readSome().catch((error: unknown) => {
        const failed = [...this.#reading.values()];
        this.#reading.clear();
        for (const { reject } of failed) reject(error);
      });
    }
  }

  async #readSome(): Promise<void> {
    const found = await this.#queries.availability([...this.#reading.keys()].map((id) => this.#knownOf(id)));
    const byId = new Map(found.map((one) => [one.performanceId, one]));
    for (const [id, { resolve }] of this.#reading) {
      const one = byId.get(id);
      if (!one) this.#entries.delete(id);
      const state = one ? this.#keep(one) : null;
      this.#reading.delete(id);
      resolve(state);
    }
  }

  #knownOf(performanceId: string): KnownAvailability {
    const state = this.#entries.get(performanceId)?.state;
    return { performanceId, version: state?.version ?? never, sequence: state?.sequence ?? never };
  }

  #keep({ seats, ...found }: Availability): SeatState {
    const { performanceId } = found;
    const entry = this.#entries.get(performanceId);
    // The one asked for last is the last to make room.
    this.#entries.delete(performanceId);
    if (this.#entries.size >= entriesMax) this.#forgetOldest();
    const readAt = this.#now();
    if (!seats) {
      if (!entry) throw new Error(`Nothing is known of ${performanceId}, and nothing was told.`);
      this.#entries.set(performanceId, { ...entry, readAt });
      return entry.state;
    }
    const state = { ...found, seats: Buffer.from(seats.buffer, seats.byteOffset, seats.length) };
    const news = entry && newsOf(entry.state, state);
    this.#entries.set(performanceId, { state, readAt, past: news ? withNews(entry.past, news) : [] });
    if (news) this.onNews(news, entry.state, state);
    return state;
  }

  #forgetOldest(): void {
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
}

function newsOf(before: SeatState, { version, sequence, seats }: SeatState): SeatNews {
  const isNext = before.version === version && before.sequence < sequence;
  const changes = isNext ? seatChanges(before.seats, seats) : [];
  const isTold = isNext && changes.length <= changesAtOnceMax;
  return { from: before.sequence, version, sequence, changes: isTold ? changes : null };
}

function withNews(past: readonly SeatNews[], news: SeatNews): SeatNews[] {
  if (news.changes === null) return [];
  const all = [...past, news].slice(-newsMax);
  let changes = all.reduce((sum, one) => sum + (one.changes?.length ?? 0), 0);
  while (changes > changesMax) changes -= all.shift()?.changes?.length ?? 0;
  return all;
}
