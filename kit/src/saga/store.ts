import { repeatingConflicts, type Queryable } from '../postgres/index.ts';
import type { StartMessage } from './messages.ts';
import type { StepRecord } from './timeline.ts';
import type { Refusal } from './transition.ts';

/** What a repeated (fan, route, key) meets. */
export type Existing = {
  readonly id: string;
  readonly fingerprint: string;
  readonly status: 'running' | 'compensating' | 'succeeded' | 'failed';
  readonly answerStatus: number | null;
  readonly answer: string | null;
};

/** A start that met a row of its fan, route and key; null when that row was removed meanwhile. */
export type Met = { readonly id: string; readonly existing: Existing | null };

export type NewRow = StartMessage & { readonly version: number; readonly deadlineMs: number };

/** An open saga taken over from a driver that is gone. */
export type OpenRow = {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly fan: string;
  readonly route: string;
  readonly key: string;
  readonly fingerprint: string;
  readonly input: object;
  readonly traceId: string;
  readonly epoch: number;
  readonly remainingMs: number;
  readonly reason: Refusal | null;
};

/** What a row tells of a saga; `steps` once it has ended. */
export type SagaRow = {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly status: 'running' | 'compensating' | 'succeeded' | 'failed';
  readonly code: string | null;
  readonly steps: readonly StepRecord[] | null;
};

export type SagasOfOthers = { readonly name: string; readonly version: number; readonly open: number };

/** A change of a row: it turned round, or it ended. */
export type RowWrite = {
  readonly id: string;
  readonly epoch: number;
  readonly status: 'compensating' | 'succeeded' | 'failed';
  readonly reason: Refusal | null;
  readonly answerStatus: number | null;
  readonly answer: string | null;
  readonly steps: readonly StepRecord[] | null;
  /** Its key is free again: the row stays for those who ask for it by its id. */
  readonly isKept?: false | undefined;
};

/** A write that found its row, by the epoch it was made in: one driver may have a saga twice, before and after taking it over. */
export type Written = Pick<RowWrite, 'id' | 'epoch'>;

/** Every statement on the saga table. */
export class SagaStore {
  readonly #database: Queryable;

  constructor(database: Queryable) {
    this.#database = database;
  }

  /** Stores the rows but for those it returns: their fan, route and key have a row already. */
  async start(rows: readonly NewRow[], owner: string): Promise<Met[]> {
    const asked = rows.map(
      ({ id, name, version, fan, route, key, fingerprint, input, traceId, deadlineMs }) => ({
        id,
        name,
        version,
        fan,
        route,
        key,
        fingerprint,
        input,
        traceId,
        deadlineMs,
      }),
    );
    const batch = JSON.stringify(asked);
    return repeatingConflicts(() =>
      this.#database.query<Met>(
        'select id, existing from start_sagas($1::json, $2)',
        [batch, owner],
        'start_sagas',
      ),
    );
  }

  /**
   * Writes rows that this driver owns at the epoch it knows; returns those that matched. What is missing was taken over:
   * drop it. (Optimistic on purpose: a saga nearly always has one driver, so a lock held meanwhile would buy nothing.)
   * Not by way of jsonb: a reason is part of the answer, and jsonb would reorder its keys.
   */
  async write(writes: readonly RowWrite[], owner: string): Promise<Written[]> {
    const update = `update saga s
       set status = w.status, reason = coalesce(w.reason, s.reason), answer_status = w."answerStatus",
           answer = w.answer, steps = w.steps,
           -- No client can send a key with a space in it.
           key = case when w."isKept" is false then s.key || ' ' || s.id else s.key end,
           ended_at = case when w.status = 'compensating' then null else now() end
       from json_to_recordset($1::json) as w(
         id uuid, epoch int, status text, reason json, "answerStatus" int, answer text, steps json, "isKept" boolean)
       where s.id = any (array[w.id]) and s.epoch = w.epoch and s.owner = $2
         -- Not by status: the index of open sagas would then look like a way to find these rows.
         and s.ended_at is null
       returning s.id, s.epoch`;
    const batch = JSON.stringify(writes);
    return repeatingConflicts(() => this.#database.query<Written>(update, [batch, owner], 'write_sagas'));
  }

  /** A fan's own saga, as its row tells it. */
  async find(id: string, fan: string): Promise<SagaRow | null> {
    const [row] = await this.#database.query<SagaRow>(
      `select id, name, version, status, reason ->> 'code' as code, steps from saga where id = $1 and fan = $2`,
      [id, fan],
      'find_saga',
    );
    return row ?? null;
  }

  /** Whether a start of this fan, route and key was stored. */
  async isKnown(fan: string, route: string, key: string): Promise<boolean> {
    const rows = await this.#database.query('select 1 from saga where fan = $1 and route = $2 and key = $3', [
      fan,
      route,
      key,
    ]);
    return rows.length > 0;
  }

  /** Open sagas that should have ended: past their deadline by `lateSeconds`. Oldest first. */
  async stuck(lateSeconds: number, most: number): Promise<SagaRow[]> {
    return this.#database.query<SagaRow>(
      `select id, name, version, status, reason ->> 'code' as code, steps from saga
       where status in ('running', 'compensating') and deadline_at < now() - $1 * interval '1 second'
       order by created_at limit $2`,
      [lateSeconds, most],
    );
  }

  /** Open sagas of definitions other than these: another build drives them, or nobody. */
  async ofOthers(definitions: readonly { name: string; version: number }[]): Promise<SagasOfOthers[]> {
    return this.#database.query<SagasOfOthers>(
      `select s.name, s.version, count(*) as open from saga s
       where s.status in ('running', 'compensating')
         and not exists (select 1 from jsonb_to_recordset($1::jsonb) as k(name text, version int)
                         where k.name = s.name and k.version = s.version)
       group by s.name, s.version order by s.name, s.version`,
      [JSON.stringify(definitions.map(({ name, version }) => ({ name, version })))],
    );
  }

  /** Renews this driver's lease, by the database's clock. */
  async renewLease(owner: string, leaseSeconds: number): Promise<void> {
    await this.#database.query(
      `insert into driver (id, lease_until) values ($1, now() + $2 * interval '1 second')
       on conflict (id) do update set lease_until = excluded.lease_until`,
      [owner, leaseSeconds],
      'renew_lease',
    );
  }

  async endLease(owner: string): Promise<void> {
    await this.#database.query('delete from driver where id = $1', [owner]);
  }

  /**
   * Takes over open sagas whose owner's lease has ended (`orphaned`), or of any other owner (`all`: for a system that knows
   * itself alone). Only of definitions this build knows; the rest is left to others.
   * With `known`, also its own rows beside those: written by a statement whose answer was lost, they are driven by nobody.
   */
  async takeOver(
    owner: string,
    definitions: readonly { name: string; version: number }[],
    which: 'orphaned' | 'all',
    rowsMax: number,
    known: readonly string[] | null,
  ): Promise<OpenRow[]> {
    return this.#database.query<OpenRow>(
      `with takeable as (
         select s.id from saga s
         left join driver d on d.id = s.owner
         where s.status in ('running', 'compensating')
           and case when s.owner = $1 then not s.id = any ($5::uuid[])
               else $3 = 'all' or d.lease_until is null or d.lease_until < now() end
           and exists (select 1 from jsonb_to_recordset($2::jsonb) as k(name text, version int)
                       where k.name = s.name and k.version = s.version)
         order by s.id limit $4
         for update of s skip locked)
       update saga s set owner = $1, epoch = s.epoch + 1
       from takeable where s.id = any (array[takeable.id])
       returning s.id, s.name, s.version, s.fan, s.route, s.key, s.fingerprint, s.input, s.trace_id as "traceId",
         s.epoch, s.reason, (extract(epoch from greatest(s.deadline_at - now(), interval '0')) * 1000)::int as "remainingMs"`,
      [owner, JSON.stringify(definitions), which, rowsMax, known],
    );
  }
}
