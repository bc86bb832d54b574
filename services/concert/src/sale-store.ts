import type {
  AdmissionQuestion,
  AdmissionRecord,
  AdmissionState,
  GuardedPerformance,
  Sale,
  SaleAct,
  SaleChange,
  SaleControls,
  SaleQueries,
  SaleView,
} from '@tutti/contracts';
import type { Database } from '@tutti/kit/postgres';
import { addStock, emptyStock, type GradeCount } from './stock.ts';

type SaleRow = Omit<Sale, 'capacity' | 'held' | 'paid' | 'seatsLeft'>;
type PerformanceRow = GuardedPerformance & { version: number; sequence: number };
type Counted = { version: number; sequence: number; grades: GradeCount[] };

const actsMost = 100;

/** A concert's sale as its waiting room and its promoter need it. What is written is in migrations/004_admissions.sql. */
export class SaleStore implements SaleQueries, SaleControls {
  readonly #database: Database;
  /** Seats by performance, as last counted: nothing is counted again while its `sequence` stands. */
  readonly #counted = new Map<string, Counted>();

  constructor(database: Database) {
    this.#database = database;
  }

  async sales(): Promise<Sale[]> {
    const sales = await this.#database.query<SaleRow>(
      `select id as "concertId", sale_state as state, rfc3339(on_sale_at) as "opensAt", inside, pace
       from concert where inside is not null order by id`,
      [],
      'sales',
    );
    const performances = await this.#upcoming();
    await this.#count(performances);
    const ofConcert = Map.groupBy(performances, ({ concertId }) => concertId);
    return sales.map((sale) => ({
      ...sale,
      ...(ofConcert.get(sale.concertId) ?? [])
        .map(({ performanceId }) => this.#counted.get(performanceId)?.grades ?? [])
        .reduce(addStock, emptyStock),
    }));
  }

  guarded(): Promise<GuardedPerformance[]> {
    return this.#database.query<GuardedPerformance>(
      `select p.id as "performanceId", p.concert_id as "concertId"
       from performance p join concert c on c.id = p.concert_id
       where c.inside is not null order by p.id`,
      [],
      'guarded',
    );
  }

  async recordAdmissions(records: readonly AdmissionRecord[]): Promise<boolean[]> {
    const rows = await this.#database.query<{ recorded: boolean }>(
      'select is_recorded as recorded from record_admissions($1) order by ord',
      [inOrder(records)],
      'record_admissions',
    );
    return rows.map(({ recorded }) => recorded);
  }

  async settleAdmissions(questions: readonly AdmissionQuestion[]): Promise<AdmissionState[]> {
    const rows = await this.#database.query<{ state: AdmissionState }>(
      'select state from settle_admissions($1) order by ord',
      [inOrder(questions)],
      'settle_admissions',
    );
    return rows.map(({ state }) => state);
  }

  async sale(concertId: string): Promise<{ sale: SaleView; acts: SaleAct[] } | null> {
    const sale = await this.#view(concertId);
    if (!sale) return null;
    const acts = await this.#database.query<SaleAct>(
      `select rfc3339(at) as at, user_id as "userId", state, pace, reason
       from sale_act where concert_id = $1 order by id desc limit $2`,
      [concertId, actsMost],
    );
    return { sale, acts };
  }

  /**
   * To open means from now on, also ahead of the time that was announced; but of a sale that was paused or closed it only undoes
   * that: once it is open the order of a line is drawn, and cannot be drawn again.
   */
  async changeSale(
    concertId: string,
    userId: string,
    { state, pace, reason }: SaleChange,
  ): Promise<SaleView | 'not_found' | 'no_waiting_room'> {
    const refused = await this.#database.transaction(async (tx) => {
      const [concert] = await tx.query<{ isGuarded: boolean }>(
        'select inside is not null as "isGuarded" from concert where id = $1 for update',
        [concertId],
      );
      if (!concert) return 'not_found';
      if (pace !== undefined && !concert.isGuarded) return 'no_waiting_room';
      await tx.query(
        `with changed as (
           update concert
           set sale_state = coalesce($3, sale_state), pace = coalesce($4, pace), version = version + 1,
               on_sale_at = case when $3 = 'open' and sale_state = 'open' then least(on_sale_at, now()) else on_sale_at end
           where id = $1 returning id, sale_state, pace)
         insert into sale_act (concert_id, user_id, state, pace, reason)
         select id, $2, sale_state, pace, $5 from changed`,
        [concertId, userId, state ?? null, pace ?? null, reason],
      );
      return undefined;
    });
    return refused ?? (await this.#view(concertId)) ?? 'not_found';
  }

  async #view(concertId: string): Promise<SaleView | null> {
    const [row] = await this.#database.query<SaleView>(
      `select id as "concertId", rfc3339(on_sale_at) as "opensAt",
              case when sale_state = 'open' and on_sale_at > now() then 'scheduled' else sale_state end as state,
              case when inside is not null then json_build_object('inside', inside, 'pace', pace) end as "waitingRoom"
       from concert where id = $1`,
      [concertId],
    );
    return row ?? null;
  }

  #upcoming(): Promise<PerformanceRow[]> {
    return this.#database.query<PerformanceRow>(
      `select p.id as "performanceId", p.concert_id as "concertId", p.seat_map_version as version, p.sequence
       from performance p join concert c on c.id = p.concert_id
       where c.inside is not null and p.starts_at > now() order by p.starts_at, p.id`,
      [],
      'upcoming',
    );
  }

  async #count(performances: readonly PerformanceRow[]): Promise<void> {
    const changed = performances.filter(({ performanceId, version, sequence }) => {
      const known = this.#counted.get(performanceId);
      return known?.version !== version || known.sequence !== sequence;
    });
    for (const { performanceId, version, sequence } of changed) {
      const grades = await this.#database.query<GradeCount>(
        `select grade, price, count(*)::int as capacity,
                (count(*) filter (where status = 'reserved'))::int as held,
                (count(*) filter (where status = 'paid'))::int as paid
         from seat where performance_id = $1 group by grade, price order by min(index)`,
        [performanceId],
        'stock',
      );
      // What changed since the sequence was read is counted by the next one.
      this.#counted.set(performanceId, { version, sequence, grades });
    }
  }
}

const inOrder = (list: readonly object[]): string =>
  JSON.stringify(list.map((one, index) => ({ ord: index + 1, ...one })));
