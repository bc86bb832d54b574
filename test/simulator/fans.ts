import type { Effect } from '../../services/gateway/src/effects.ts';
import type { Chance } from './chance.ts';
import type { Climate } from './climate.ts';
import type { Reply, World } from './world.ts';
import type { VirtualTime } from './virtual-time.ts';

/** What a fan wants done, under one key. */
export type Wish = Pick<Effect, 'saga' | 'fan' | 'route' | 'key' | 'fingerprint' | 'input'>;

/** A final answer that a fan got. */
export type Told = {
  readonly wish: Wish;
  readonly operation: string;
  readonly status: number;
  readonly body: string;
};

/** A wish to which the answer was that its key is another request's. */
export type Book = { readonly wishes: Wish[]; readonly told: Told[]; readonly reused: Wish[] };

const routes = {
  'reserve-seats': 'POST /api/v1/reservations',
  'pay-reservation': 'POST /api/v1/reservations/:id/payment',
  'cancel-reservation': 'POST /api/v1/reservations/:id/cancellation',
  'charge-points': 'POST /api/v1/points/charges',
} as const;

type Surroundings = {
  readonly world: World;
  readonly time: VirtualTime;
  readonly chance: Chance;
  readonly climate: Climate;
  readonly book: Book;
  /** Reservations that anybody made: a fan may try another's. */
  readonly made: string[];
};

const show = 'the-show';

const codeOf = ({ status, body }: Told): string => /"code":"([a-z_]+)"/.exec(body)?.[1] ?? String(status);

/** Somebody who wants seats: asks again under the same key until there is an answer, and now and then makes a mess of it. */
export class Fan {
  readonly #around: Surroundings;
  readonly #userId: string;
  readonly #own: string[] = [];

  constructor(around: Surroundings) {
    this.#around = around;
    this.#userId = around.chance.id();
    around.world.tables.accounts.add(this.#userId);
  }

  async live(): Promise<void> {
    const { chance, climate, time, world } = this.#around;
    // Some have points from the beginning, some too few, some none.
    if (chance.happens(0.9)) await this.#charge(chance.pick([500, 4_000, 20_000, 20_000]));
    const closing = chance.happens(0.25) ? chance.whole(0, climate.wishesPerFan) : -1;
    for (let wish = 0; wish < climate.wishesPerFan; wish++) {
      if (wish === closing) {
        world.chronicle.count('branch: an account was deleted');
        time.later(chance.whole(0, 2_000), world.outside, () => world.tables.accounts.delete(this.#userId));
      }
      await Promise.all(this.#mood().map((act) => act()));
      await this.#sleep(chance.whole(0, 3_000));
    }
  }

  /** What they do now, all at the same time. */
  #mood(): (() => Promise<void>)[] {
    const { chance, made } = this.#around;
    const [pay, cancel] = [(id: string) => () => this.#pay(id), (id: string) => () => this.#cancel(id)];
    const own = this.#own.length > 0 ? chance.pick(this.#own.slice(-3)) : undefined;
    if (own === undefined || chance.happens(0.25)) return [() => this.#reserve()];
    const other = chance.pick(made);
    return chance.pick([
      [pay(own)],
      [pay(own)],
      [pay(own)],
      [pay(own)],
      [pay(own), pay(own)],
      [pay(own), pay(own)],
      [pay(own), cancel(own)],
      [cancel(own)],
      [cancel(own), cancel(own)],
      [() => this.#charge(chance.whole(1, 5_000)), pay(own)],
      [pay(other), cancel(other)],
      [cancel(other)],
      [() => this.#reserve(), () => this.#reserve()],
      [() => this.#charge(chance.pick([1_000, 999_999_999]))],
    ]);
  }

  async #reserve(): Promise<void> {
    const { chance, climate, made } = this.#around;
    const all = Array.from(
      { length: climate.seats + (chance.happens(0.05) ? 1 : 0) },
      (_, at) => `S-${at + 1}`,
    );
    const seatIds = chance.some(all, Math.min(all.length, chance.pick([1, 1, 1, 2, 2, 3, 6])));
    const performanceId = chance.happens(0.97) ? show : chance.pick(['no-show', 'later-show', 'closed-show']);
    const told = await this.#want('reserve-seats', { performanceId, seatIds });
    if (told?.status !== 201) return;
    this.#own.push(told.operation);
    made.push(told.operation);
  }

  async #pay(reservationId: string): Promise<void> {
    await this.#want('pay-reservation', { reservationId });
  }

  async #cancel(reservationId: string): Promise<void> {
    await this.#want('cancel-reservation', { reservationId });
  }

  async #charge(amount: number): Promise<void> {
    await this.#want('charge-points', { amount });
  }

  // ── a wish ────────────────────────────────────────────────────────────────────────────────────────────────────────

  async #want(saga: keyof typeof routes, asked: object): Promise<Told | undefined> {
    const { chance, book } = this.#around;
    const input = { userId: this.#userId, ...asked };
    const about = { saga, fan: this.#userId, route: routes[saga], key: chance.id() };
    const wish = { ...about, fingerprint: JSON.stringify(asked), input };
    book.wishes.push(wish);
    const asking = [this.#ask(wish)];
    // The same once more, as from a second tab; or another request under the same key, as from a careless client.
    if (chance.happens(0.2)) asking.push(this.#sleep(chance.whole(0, 3_000)).then(() => this.#ask(wish)));
    if (chance.happens(0.05)) asking.push(this.#ask({ ...wish, fingerprint: 'another' }));
    const [told] = await Promise.all(asking);
    // Who asks again after the answer hears the same.
    if (chance.happens(0.3)) await this.#ask(wish);
    return told;
  }

  /** Until there is a final answer. */
  async #ask(wish: Wish): Promise<Told | undefined> {
    const { world, chance, book } = this.#around;
    for (;;) {
      const reply = await this.#request(wish);
      world.chronicle.count(`branch: a fan was told ${reply.kind}`);
      if (reply.kind === 'key_reused') {
        book.reused.push(wish);
        return undefined;
      }
      if (reply.kind === 'answer') {
        const { operation, answer, replayed } = reply;
        world.chronicle.count('branch: a fan was told an answer again', replayed ? 1 : 0);
        const told = { wish, operation, status: answer.status, body: answer.body };
        world.chronicle.count(`branch: ${wish.saga} was answered ${codeOf(told)}`);
        book.told.push(told);
        return told;
      }
      const isPromised = reply.kind === 'running' || reply.kind === 'in_flight';
      if (isPromised && !world.tables.sagas.rows.has(reply.operation))
        world.chronicle.accuse(`a fan was told ${reply.kind} of ${reply.operation}, which has no row`);
      await this.#sleep(chance.whole(100, 2_000));
    }
  }

  #request(wish: Wish): Promise<Reply> {
    const { world, chance, time } = this.#around;
    const waitMs = chance.pick([0, 1_000, 3_000, 10_000]);
    const impatient = new Promise<Reply>((done) =>
      time.later(waitMs + 3_000, world.outside, () => done({ kind: 'lost' })),
    );
    return Promise.race([world.request({ ...wish, waitMs, traceId: chance.id() }), impatient]);
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((done) => this.#around.time.later(ms, this.#around.world.outside, done));
  }
}
