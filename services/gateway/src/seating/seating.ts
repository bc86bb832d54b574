import type { ConcertQueries } from '@tutti/contracts';
import type { Log } from '@tutti/kit/service';
import type { ServiceTelemetry } from '@tutti/kit/telemetry';
import { SeatMemory, type SeatState } from './availability.ts';
import {
  alternatives,
  alternativesMax,
  bestPlacements,
  drawn,
  seatIdsOf,
  type Placement,
} from './placements.ts';
import { SeatPlans } from './plans.ts';
import type { SeatPlan } from './seat-plan.ts';
import { SeatStreams } from './streams.ts';

/** Seats to offer, and of which state they were. */
export type Offer = Pick<SeatState, 'version' | 'sequence'> & { readonly seatIds: string[][] };
export type Wish = { readonly together: number; readonly grade?: string | undefined };

/** Seats that somebody may choose instead are worth a short wait, and may be a little out of date. */
const patienceMs = 250;
const offerAgeMs = 5_000;

/** What this gateway knows of seats, whom it tells, and what it would choose. */
export class Seating {
  readonly memory: SeatMemory;
  readonly streams: SeatStreams;
  readonly #plans: SeatPlans;
  readonly #log: Log;
  /** What was worked out for a state is the same for everybody. */
  readonly #best = new WeakMap<SeatState, Map<string, Placement[]>>();

  constructor(concerts: ConcertQueries, log: Log, telemetry: ServiceTelemetry | undefined) {
    this.memory = new SeatMemory(concerts);
    this.streams = new SeatStreams({ memory: this.memory, log });
    this.#plans = new SeatPlans(concerts);
    this.#log = log;
    showListeners(telemetry, this.streams);
  }

  /** Null when there is no such performance. */
  async best(performanceId: string, wish: Wish): Promise<Offer | null> {
    const [state, plan] = await this.#look(performanceId);
    if (!state || !plan) return null;
    const chosen = drawn(this.#bestOf(state, plan, wish), alternativesMax, Math.random);
    return offer(state, plan, chosen);
  }

  /** So many seats near these. Null when there is no such performance. */
  async near(performanceId: string, seatIds: readonly string[], together: number): Promise<Offer | null> {
    const [state, plan] = await this.#look(performanceId);
    if (!state || !plan) return null;
    return offer(state, plan, alternatives(plan, state.seats, indexesOf(plan, seatIds), together));
  }

  /**
   * What to offer a fan whose seats may be gone when their turn comes. Null when that is not known in time: a reservation
   * does not fail, and hardly waits, for what might be offered instead of it.
   */
  async alternatives(performanceId: string, seatIds: readonly string[]): Promise<string[][] | null> {
    const plan = this.#plans.known(performanceId);
    // Of a map that shows no seats nothing can be offered, and nothing has to be read.
    if (plan?.seats.length === 0) return [];
    const state = this.memory.recent(performanceId, offerAgeMs);
    if (state && plan?.version === state.version)
      return idsOf(plan, alternatives(plan, state.seats, indexesOf(plan, seatIds)));
    return within(patienceMs, this.near(performanceId, seatIds, seatIds.length)).then(
      (found) => found?.seatIds ?? null,
      (error: unknown) => {
        this.#log.debug({ error }, 'what could be offered instead was not known in time');
        return null;
      },
    );
  }

  stop(): void {
    this.streams.stop();
  }

  async #look(performanceId: string): Promise<[SeatState | null, SeatPlan | null]> {
    const state = await this.memory.at(performanceId);
    const plan = state && (await this.#plans.of(performanceId, state.version));
    // The map changed in between: the seats of the one are not those of the other.
    if (plan && plan.version !== state.version) return [await this.memory.at(performanceId, 0), plan];
    return [state, plan];
  }

  #bestOf(state: SeatState, plan: SeatPlan, wish: Wish): Placement[] {
    const known = this.#best.get(state) ?? new Map<string, Placement[]>();
    this.#best.set(state, known);
    // A grade that there is not costs no memory.
    const grade = plan.blocks.some((block) => block.grade === wish.grade) ? wish.grade : undefined;
    if (grade !== wish.grade) return [];
    const key = `${wish.together} ${grade ?? ''}`;
    const ranked = known.get(key) ?? bestPlacements(plan, state.seats, wish);
    known.set(key, ranked);
    return ranked;
  }
}

const indexesOf = ({ indexes }: SeatPlan, seatIds: readonly string[]): number[] =>
  seatIds.flatMap((id) => indexes.get(id) ?? []);

const idsOf = (plan: SeatPlan, placements: readonly Placement[]): string[][] =>
  placements.map((one) => seatIdsOf(plan, one));

const offer = ({ version, sequence }: SeatState, plan: SeatPlan, chosen: readonly Placement[]): Offer => ({
  version,
  sequence,
  seatIds: idsOf(plan, chosen),
});

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`It took longer than ${ms} ms.`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function showListeners(telemetry: ServiceTelemetry | undefined, { counts }: SeatStreams): void {
  telemetry?.meters.gauge(
    { name: 'tutti_seat_listeners', help: 'Connections that are told of every change of a seat.' },
    () => [[counts.listening]],
  );
  telemetry?.meters.total(
    {
      name: 'tutti_seat_listeners_turned_away_total',
      help: 'Listeners that found no room, or read slower than things happened.',
      labels: ['why'],
    },
    () => [
      [counts.refused, 'full'],
      [counts.dropped, 'slow'],
    ],
  );
}
