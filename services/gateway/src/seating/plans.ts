import type { ConcertQueries } from '@tutti/contracts';
import { planOf, type SeatPlan } from './seat-plan.ts';

type Kept = { readonly version: number; readonly reading: Promise<SeatPlan | null>; plan: SeatPlan | null };

/** Four of the largest halls. */
const seatsMax = 250_000;

/** The seat maps that are in use, read once for each version. */
export class SeatPlans {
  readonly #queries: Pick<ConcertQueries, 'seatMap'>;
  readonly #kept = new Map<string, Kept>();

  constructor(queries: Pick<ConcertQueries, 'seatMap'>) {
    this.#queries = queries;
  }

  /** Without waiting. */
  known(performanceId: string): SeatPlan | null {
    return this.#kept.get(performanceId)?.plan ?? null;
  }

  /** Of this version or a later one; null when there is no such performance. */
  of(performanceId: string, version: number): Promise<SeatPlan | null> {
    const kept = this.#kept.get(performanceId);
    this.#kept.delete(performanceId);
    const current = kept && kept.version >= version ? kept : this.#read(performanceId, version);
    this.#kept.set(performanceId, current);
    return current.reading;
  }

  #read(performanceId: string, version: number): Kept {
    const reading = this.#queries.seatMap(performanceId).then((map) => map && planOf(map.body));
    const kept: Kept = { version, reading, plan: null };
    reading.then(
      (plan) => {
        kept.plan = plan;
        if (!plan) this.#forget(performanceId, kept);
        this.#makeRoom();
      },
      () => this.#forget(performanceId, kept),
    );
    return kept;
  }

  #forget(performanceId: string, kept: Kept): void {
    if (this.#kept.get(performanceId) === kept) this.#kept.delete(performanceId);
  }

  /** The one that was used longest ago goes first. */
  #makeRoom(): void {
    let seats = 0;
    for (const [id, { plan }] of [...this.#kept].toReversed()) {
      seats += plan?.seats.length ?? 0;
      if (seats > seatsMax) this.#kept.delete(id);
    }
  }
}
