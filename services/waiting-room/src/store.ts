import type { GradeStock, Sale } from '@tutti/contracts';
import type { Queryable } from '@tutti/kit/postgres';
import type { Figures, Pace } from './line.ts';

/** A sale as its row tells it. */
export type SaleRow = {
  readonly id: number;
  readonly concertId: string;
  readonly state: 'open' | 'paused' | 'closed';
  readonly opensAt: string;
  readonly opensInSeconds: number;
  readonly inside: number;
  readonly pace: number;
  readonly capacity: number;
  readonly held: number;
  readonly paid: number;
  readonly seatsLeft: GradeStock[];
  readonly secret: string;
  readonly joined: number;
  readonly preQueueSize: number | null;
  readonly joinRoot: string | null;
  readonly seed: string | null;
  readonly serving: number;
  readonly paceNow: Pace;
  readonly updatedAt: string;
};

export type HeardSale = Sale & { readonly secret: string };
export type Joined = { readonly arrival: number; readonly isNew: boolean };
export type FanOfSale = { readonly sale: number; readonly fan: string };
export type Verdict =
  | {
      readonly verdict: 'in';
      readonly generation: number;
      readonly since: number;
      readonly endsAt: Date;
    }
  | { readonly verdict: 'wait'; readonly ahead: number }
  | { readonly verdict: 'paused' };
export type Standing = { readonly isInside: boolean; readonly ahead: number };
export type TakenSlot = FanOfSale & {
  readonly number: number;
  readonly generation: number;
  readonly since: number;
  readonly mayEnd: boolean;
};
export type LineFigures = Omit<Figures, 'inside' | 'pace' | 'left' | 'serving' | 'issued'> & {
  readonly id: number;
  readonly serving: number;
  readonly issued: number;
};

const time = (column: string): string =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** Who stands at the door and has not asked for so long has gone. */
const doorSeconds = 10;
/** What happened so long ago says nothing about the next minutes. */
const windowSeconds = 300;

/** Every statement of the waiting room. What must be one transaction is a function in migrations/. */
export class LineStore {
  readonly #database: Queryable;

  constructor(database: Queryable) {
    this.#database = database;
  }

  sales(): Promise<SaleRow[]> {
    return this.#database.query<SaleRow>(
      `select id, concert_id as "concertId", state, ${time('opens_at')} as "opensAt",
              extract(epoch from opens_at - now())::float8 as "opensInSeconds", inside, pace, capacity, held, paid,
              seats_left as "seatsLeft", secret, joined, pre_queue_size as "preQueueSize", join_root as "joinRoot", seed,
              serving,
              json_strip_nulls(json_build_object('perSecond', pace_now, 'later', case when pace_later is not null then (
                select row_to_json(l) from (select pace_later_from as "from", pace_later as "perSecond") as l)
              end)) as "paceNow", ${time('updated_at')} as "updatedAt"
       from sale order by id`,
      [],
      'sales',
    );
  }

  /** In the order asked. */
  join(asked: readonly FanOfSale[]): Promise<Joined[]> {
    return this.#database.query<Joined>(
      'select arrival, is_new as "isNew" from join_line($1) order by ord',
      [inOrder(asked)],
      'join',
    );
  }

  async arrivals(sale: number, from: number, below: number): Promise<{ arrival: number; fan: string }[]> {
    return this.#database.query(
      'select arrival, fan from place where sale = $1 and arrival >= $2 and arrival < $3 order by arrival',
      [sale, from, below],
      'arrivals',
    );
  }

  /** The list of joins that the order was drawn of, as `noteJoins` wrote it. */
  async joins(sale: number, from: number, below: number): Promise<string[]> {
    const pages = await this.#database.query<{ first: number; joins: string }>(
      `select first, joins from join_page
       where sale = $1 and first < $3
         and first >= (select max(first) from join_page where sale = $1 and first <= $2)
       order by first`,
      [sale, from, below],
      'joins',
    );
    const first = pages[0]?.first ?? from;
    return pages.flatMap(({ joins }) => joins.split('\n')).slice(from - first, below - first);
  }

  async arrivalOf({ sale, fan }: FanOfSale): Promise<number | null> {
    const [row] = await this.#database.query<{ arrival: number }>(
      'select arrival from place where sale = $1 and fan = $2',
      [sale, fan],
      'arrival_of',
    );
    return row?.arrival ?? null;
  }

  /** The same as `admit` would say, if it were asked now. */
  async standing({ sale, fan, number }: FanOfSale & { readonly number: number }): Promise<Standing> {
    const [row] = await this.#database.query<Standing>(
      `select exists (
                select 1 from slot t
                where t.sale = s.id and t.fan = $2 and not t.has_left and t.ends_at > coalesce(s.stood_since, now())
              ) as "isInside",
              ahead_of(s, coalesce((select a.visits from admission a where a.sale = s.id and a.fan = $2), 0), $3, $4) as ahead
       from sale s where s.id = $1`,
      [sale, fan, number, doorSeconds],
      'standing',
    );
    if (!row) throw new Error(`There is no sale ${sale}.`);
    return row;
  }

  /** In the order asked. */
  admit(
    asked: readonly (FanOfSale & { readonly number: number })[],
    admissionSeconds: number,
  ): Promise<Verdict[]> {
    return this.#database.query<Verdict>(
      `select verdict, ahead, generation, since, ends_at as "endsAt" from admit($1, $2, $3) order by ord`,
      [inOrder(asked), admissionSeconds, doorSeconds],
      'admit',
    );
  }

  async leave({ sale, fan }: FanOfSale): Promise<void> {
    await this.#database.query('update slot set has_left = true where sale = $1 and fan = $2', [sale, fan]);
  }

  taken(): Promise<TakenSlot[]> {
    return this.#database.query<TakenSlot>(
      `select t.sale, t.fan, t.number, t.generation, t.since,
              t.has_left or t.ends_at <= coalesce(s.stood_since, now()) as "mayEnd"
       from slot t join sale s on s.id = t.sale where t.fan is not null order by t.sale, t.slot`,
      [],
      'taken',
    );
  }

  async freeSlots(slots: readonly (FanOfSale & { readonly generation: number })[]): Promise<number> {
    const [row] = await this.#database.query<{ freed: number }>(
      'select free_slots($1) as freed',
      [JSON.stringify(slots.map(({ sale, fan, generation }) => ({ sale, fan, generation })))],
      'free_slots',
    );
    return row?.freed ?? 0;
  }

  async addSales(heard: readonly HeardSale[]): Promise<void> {
    await this.#database.query('select add_sales($1)', [JSON.stringify(heard)]);
  }

  // ── what only the owner of the lines does ─────────────────────────────────────────────────────────────────────────

  async updateSales(fence: number, heard: readonly Sale[]): Promise<void> {
    await this.#database.query('select update_sales($1, $2)', [fence, JSON.stringify(heard)], 'update_sales');
  }

  async closePreQueues(fence: number): Promise<void> {
    await this.#database.query('select close_pre_queues($1)', [fence], 'close_pre_queues');
  }

  async noteJoins(fence: number, sale: number, first: number, joins: readonly string[]): Promise<void> {
    await this.#database.query(
      'select note_joins($1, $2, $3, $4)',
      [fence, sale, first, joins.join('\n')],
      'note_joins',
    );
  }

  async publishOrder(fence: number, sale: number, joinRoot: string, seed: string): Promise<void> {
    await this.#database.query('select publish_order($1, $2, $3, $4)', [fence, sale, joinRoot, seed]);
  }

  /** What happened in the lines that are open. */
  figures(): Promise<LineFigures[]> {
    return this.#database.query<LineFigures>(
      `select s.id, s.serving, s.joined as issued,
              (select count(*)::int from slot t where t.sale = s.id and t.fan is not null) as taken,
              (select count(*)::int from knock k
               where k.sale = s.id and (k.visits = 0 or s.serving = s.joined)
                 and k.at > now() - $1 * interval '1 second') as "atDoor",
              (select count(*)::int from admission a
               where a.sale = s.id and a.ended_at > now() - $2 * interval '1 second') as exits,
              greatest(1, least($2, extract(epoch from now() - s.opened_at)))::float8 as "windowSeconds",
              (select coalesce(json_agg(json_build_object(
                 'ageSeconds', extract(epoch from clock_timestamp() - c.at)::float8, 'called', c.last - c.first + 1, 'came', (
                   select count(*)::int from admission a
                   where a.sale = s.id and a.number between c.first and c.last))), '[]')
               from call c where c.sale = s.id and c.at > now() - $2 * interval '1 second') as calls
       from sale s where s.seed is not null and s.state = 'open' order by s.id`,
      [doorSeconds, windowSeconds],
      'figures',
    );
  }

  async move(fence: number, sale: number, from: number, to: number): Promise<boolean> {
    const [row] = await this.#database.query<{ moved: boolean }>(
      'select move_line($1, $2, $3, $4) as moved',
      [fence, sale, from, to],
      'move_line',
    );
    return row?.moved ?? false;
  }

  async notePace(fence: number, sale: number, { perSecond, later }: Pace): Promise<void> {
    await this.#database.query(
      'select note_pace($1, $2, $3, $4, $5)',
      [fence, sale, perSecond, later?.from ?? null, later?.perSecond ?? null],
      'note_pace',
    );
  }

  async forgetKnocks(): Promise<void> {
    await this.#database.query(
      `delete from knock where at < now() - interval '1 minute'`,
      [],
      'forget_knocks',
    );
  }
}

const inOrder = (list: readonly object[]): string =>
  JSON.stringify(list.map((one, index) => ({ ord: index + 1, ...one })));
