import { sqlState, type Queryable, type Row } from '@tutti/kit/postgres';
import type { Chance } from './chance.ts';
import type { Chronicle } from './chronicle.ts';
import type { DatabaseRates } from './climate.ts';
import { statementKey, type Statements } from './tables/statements.ts';
import { sqlError } from './tables/journal.ts';
import { Actor, type VirtualTime } from './virtual-time.ts';

export type Surroundings = {
  readonly time: VirtualTime;
  readonly chance: Chance;
  readonly chronicle: Chronicle;
  /** A process that reaches this point may die here, between one thing that it tells the world and the next. */
  readonly mayDie: (actor: Actor) => void;
};

/** What reads the tables after every statement that may have changed them. */
export type Watch = (key: string, values: readonly unknown[], rows: readonly Row[]) => void;

const statementTimeoutMs = 10_000;

/** A database behind an unreliable wire. A statement is one moment; whether its sender hears of it is another matter. */
export class VirtualDatabase {
  readonly name: string;
  /** Until then it does not answer, as while it is started anew. */
  downUntil = 0;
  rates: DatabaseRates;
  readonly #around: Surroundings;
  readonly #actor: Actor;
  readonly #statements: Statements;
  readonly #watch: Watch;

  constructor(
    name: string,
    {
      around,
      statements,
      rates,
      watch,
    }: {
      around: Surroundings;
      statements: Statements;
      rates: DatabaseRates;
      watch: Watch;
    },
  ) {
    this.name = name;
    this.rates = rates;
    this.#around = around;
    this.#actor = new Actor(`${name} database`);
    this.#statements = statements;
    this.#watch = watch;
  }

  /** The database as a process reaches it. */
  of(actor: Actor): Queryable {
    return {
      query: <R extends Row>(text: string, values: readonly unknown[] = [], name?: string) =>
        new Promise<R[]>((done, failed) => {
          const { mayDie, time, chance } = this.#around;
          mayDie(actor);
          if (actor.isDead) return;
          const key = statementKey(text, name);
          // Rows are JSON, as the wire brings them: nobody shares an object with a table.
          const answer = (rows: readonly Row[]) => {
            // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the statement says what its rows are
            const copy = JSON.parse(JSON.stringify(rows)) as R[];
            time.later(chance.whole(0, 2), actor, () => done(copy));
          };
          const fail = (error: Error, afterMs: number) => time.later(afterMs, actor, () => failed(error));
          this.#send(key, values, answer, fail);
        }),
    };
  }

  #send(
    key: string,
    values: readonly unknown[],
    answer: (rows: readonly Row[]) => void,
    fail: (error: Error, afterMs: number) => void,
  ): void {
    const { time, chance, chronicle } = this.#around;
    const { rates, name } = this;
    const takesMs = chance.happens(rates.slow) ? chance.whole(100, 3_000) : chance.whole(1, 4);
    if (time.now < this.downUntil) {
      chronicle.count('fault: a database was down');
      return fail(broken('there is no connection'), chance.whole(0, 50));
    }
    if (chance.happens(rates.failBefore)) {
      chronicle.count('fault: a statement never arrived');
      chronicle.tell(`${name}: ${key} never arrived`);
      return fail(broken('the connection broke before the statement arrived'), takesMs);
    }
    if (chance.happens(rates.commitLate)) {
      chronicle.count('fault: a statement was committed after its sender had given it up');
      chronicle.tell(`${name}: ${key} was given up and goes on`);
      fail(broken('no answer in time'), takesMs);
      const lateMs = chance.whole(10, statementTimeoutMs - 1);
      return time.later(takesMs + lateMs, this.#actor, () => this.#try(key, values));
    }
    const isLost = chance.happens(rates.failAfter);
    time.later(takesMs, this.#actor, () => {
      const rows = this.#try(key, values);
      if (isLost) {
        chronicle.count('fault: a commit was unknown');
        chronicle.tell(`${name}: the answer of ${key} is lost`);
        fail(broken('the connection broke before the answer arrived'), 0);
      } else if (rows instanceof Error) fail(rows, 0);
      else answer(rows);
    });
  }

  #try(key: string, values: readonly unknown[]): readonly Row[] | Error {
    const { chance, chronicle } = this.#around;
    if (chance.happens(this.rates.conflict)) {
      chronicle.count('fault: a transaction met a conflict');
      return sqlError('40P01', 'deadlock detected');
    }
    try {
      const statement = this.#statements[key];
      if (!statement) throw new Error(`The model knows no statement "${key}".`);
      const rows = statement(values);
      this.#watch(key, values, rows);
      return rows;
    } catch (error) {
      chronicle.tell(`${this.name}: ${key} failed: ${String(error)}`);
      const state = sqlState(error);
      // A refusal of the database is part of the game; anything else is a hole in the model.
      if (state === undefined) chronicle.accuse(`${this.name}: ${String(error)}`);
      else chronicle.count(`branch: ${this.name} refused a statement with ${state}`);
      return error instanceof Error ? error : new Error(String(error));
    }
  }
}

const broken = (why: string): Error => new Error(`Connection terminated: ${why}.`);
