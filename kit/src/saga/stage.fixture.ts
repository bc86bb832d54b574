import { randomUUID } from 'node:crypto';
import { InProcessBus, QueueFull, type Bus } from '../messaging/index.ts';
import { Database, type Queryable } from '../postgres/index.ts';
import { createLog } from '../service/index.ts';
import { testDatabase, until, type TestDatabase } from '../testing/index.ts';
import { Cast, encode, jump, named, ok, trip } from './cast.fixture.ts';
import {
  answerQueue,
  commandQueue,
  replyQueue,
  Runner,
  sagaMigrations,
  SagaStore,
  startQueue,
  type AnswerMessage,
  type CommandMessage,
  type OpenRow,
  type Outcome,
  type ReplyMessage,
  type RunnerOptions,
  type Saga,
  type SagasOfOthers,
  type StartMessage,
} from './index.ts';

type Row = {
  status: string;
  owner: string;
  epoch: number;
  answerStatus: number | null;
  answer: string | null;
};

type Given = 'alone' | 'liveMax' | 'unwrittenMax' | 'definitions' | 'telemetry' | 'log';

type DriverOptions = Partial<Pick<RunnerOptions, Given>> & {
  /** Whose bus and participants it takes over. */
  on?: Driver;
  /** What stands between the driver and its database. */
  through?: (database: Queryable) => Queryable;
};

/** A database, participants, and drivers with a bus each: as processes that share nothing else. */
export class Stage {
  readonly database: Database;
  readonly #postgres: TestDatabase;
  #cast = new Cast();
  readonly #drivers: Driver[] = [];

  constructor(postgres: TestDatabase) {
    this.#postgres = postgres;
    this.database = postgres.database;
  }

  static async open(): Promise<Stage> {
    return new Stage(await testDatabase([sagaMigrations], { lockTimeoutMs: 60_000 }));
  }

  /** From now on these (`do a.look`, `undo b.undo-first`, `settle d.pivot`) are obeyed and answered with ok. */
  obeys(...what: string[]): void {
    for (const one of what) this.#cast.set(one, ok({ by: one }), true);
  }

  answers(what: string, outcome: Outcome): void {
    this.#cast.set(what, outcome, true);
  }

  /** Obeyed and journaled, but the reply is lost. */
  losesReplyOf(what: string, outcome: Outcome = ok({ by: what })): void {
    this.#cast.set(what, outcome, false);
  }

  async driver(options: DriverOptions = {}): Promise<Driver> {
    const driver = new Driver(this.#postgres, (asked) => this.#cast.obey(asked), options);
    this.#drivers.push(driver);
    await driver.runner.start();
    // Its first tick looks for orphans again; from there on it does so when the test lets time pass.
    await driver.looked(2);
    return driver;
  }

  /** Nothing is written to the saga table until the returned function is called. */
  async holdRows(): Promise<() => Promise<void>> {
    const holding = new Database(this.#postgres.connection, { connectionsMax: 1 });
    await holding.query('begin');
    await holding.query('lock table saga in share mode');
    return async () => {
      await holding.query('commit');
      await holding.close();
    };
  }

  /** Another connection changes one row and keeps its transaction open until the returned function is called. */
  async changing(change: string, id: string): Promise<() => Promise<void>> {
    const holding = new Database(this.#postgres.connection, { connectionsMax: 1 });
    await holding.query('begin');
    await holding.query(change, [id]);
    return async () => {
      await holding.query('commit');
      await holding.close();
    };
  }

  async row(id: string): Promise<Row | undefined> {
    const [row] = await this.database.query<Row>(
      `select status, owner, epoch, answer_status as "answerStatus", answer from saga where id = $1`,
      [id],
    );
    return row;
  }

  ofOthers(definitions: readonly Saga[]): Promise<SagasOfOthers[]> {
    return new SagaStore(this.database).ofOthers(definitions);
  }

  status(id: string, wanted: string): Promise<void> {
    return until(`the row says ${wanted}`, async () => (await this.row(id))?.status === wanted);
  }

  /** As if the driver had not been heard of for long. */
  async endLease({ owner }: Driver): Promise<void> {
    await this.database.query(`update driver set lease_until = now() - interval '1 second' where id = $1`, [
      owner,
    ]);
  }

  /** Everybody leaves, nothing is left. */
  async clear(): Promise<void> {
    await Promise.all(this.#drivers.splice(0).map((driver) => driver.close()));
    await this.database.query('truncate saga, driver');
    this.#cast = new Cast();
  }

  close(): Promise<void> {
    return this.#postgres.drop();
  }
}

const leaseSeconds = 40;

class WatchedStore extends SagaStore {
  looks = 0;

  override async takeOver(...asked: Parameters<SagaStore['takeOver']>): Promise<OpenRow[]> {
    const rows = await super.takeOver(...asked);
    this.looks++;
    return rows;
  }
}

/** A runner on a bus of its own, with a clock that only the test moves. */
export class Driver {
  readonly owner = `driver-${randomUUID()}`;
  readonly bus: InProcessBus;
  readonly runner: Runner;
  /** Every command that reached a participant, in order. */
  readonly asked: CommandMessage[] = [];
  /** Queues that have no room. */
  readonly full = new Set<string>();
  /** What whoever started a saga was told. */
  readonly told: AnswerMessage[] = [];
  readonly #watching: Database;
  readonly #database: Database;
  readonly #store: WatchedStore;
  #now = Date.now();
  #randoms = 0;
  #isGone = false;

  constructor({ connection, database }: TestDatabase, obey: Cast['obey'], options: DriverOptions) {
    const { on, through = (same: Queryable) => same, ...rest } = options;
    this.bus = on?.bus ?? new InProcessBus({ retryFirstMs: 1 });
    this.#watching = database;
    this.#database = new Database(connection, {
      connectionsMax: 3,
      lockTimeoutMs: 60_000,
      statementTimeoutMs: 60_000,
      settings: { application_name: this.owner },
    });
    if (!on) this.#listen(obey);
    this.#store = new WatchedStore(
      through({
        query: (text, values, name) =>
          this.#isGone
            ? Promise.reject(new Error('The process is gone.'))
            : this.#database.query(text, values, name),
      }),
    );
    this.runner = new Runner({
      bus: this.#busWithLimits(),
      store: this.#store,
      definitions: [trip, jump],
      encode,
      log: createLog('silent'),
      owner: this.owner,
      alone: false,
      now: () => this.#now,
      random: () => {
        this.#randoms++;
        return 0.5;
      },
      leaseSeconds,
      tickMs: 2,
      ...rest,
    });
  }

  #listen(obey: Cast['obey']): void {
    for (const service of ['a', 'b', 'c', 'd', 'e', 'f'])
      this.bus.consume(commandQueue(service), async (batch) => {
        for (const { message } of batch) {
          this.asked.push(message);
          const outcome = obey(message);
          if (outcome) await this.reply(message, outcome);
        }
      });
    this.bus.consume(answerQueue('test'), (batch) => {
      for (const { message } of batch) this.told.push(message);
      return Promise.resolve();
    });
  }

  #busWithLimits(): Bus {
    const { bus, full } = this;
    return {
      publish: (to, messages) =>
        full.has(to.name) ? Promise.reject(new QueueFull(to.name)) : bus.publish(to, messages),
      consume: (from, handler, options) => bus.consume(from, handler, options),
      deadLetters: () => bus.deadLetters(),
      replayDeadLetters: (name) => bus.replayDeadLetters(name),
      close: () => bus.close(),
    };
  }

  get now(): number {
    return this.#now;
  }

  start(name: string, options: Partial<StartMessage> = {}): StartMessage {
    const message: StartMessage = {
      id: randomUUID(),
      name,
      fan: 'Mina',
      route: 'POST /trips',
      key: randomUUID(),
      fingerprint: 'same',
      input: { who: 'Mina' },
      traceId: randomUUID(),
      sentAt: this.#now,
      notAfter: this.#now + 60_000,
      replyTo: 'test',
      tellStored: false,
      ...options,
    };
    void this.bus.publish(startQueue, [message]);
    return message;
  }

  async reply({ saga: id, step, direction, replyTo }: CommandMessage, outcome: Outcome): Promise<void> {
    await this.send(replyTo, { saga: id, step, direction, outcome });
  }

  send(owner: string, message: ReplyMessage): Promise<void> {
    return this.bus.publish(replyQueue(owner), [message]);
  }

  /** Resolves to the first such command once it is there. */
  async ask(what: string, id: string): Promise<CommandMessage> {
    const find = () => this.asked.find((one) => named(one) === what && one.saga === id);
    await until(`it asks ${what}; it asked ${this.asks(id).join(', ')}`, () => find() !== undefined);
    const found = find();
    if (!found) throw new Error(`It did not ask ${what}.`);
    return found;
  }

  asks(id: string): string[] {
    return this.asked.filter((one) => one.saga === id).map(named);
  }

  toldOf(id: string): string[] {
    return this.told.filter((one) => one.id === id).map((one) => one.kind);
  }

  /** Resolves to the bytes that whoever sent this start was told. */
  async answer(id: string): Promise<{ status: number; body: string; replayed: boolean }> {
    const find = () => this.told.find((one) => one.id === id && one.kind === 'answer');
    await until('it is answered', () => find() !== undefined);
    const found = find();
    if (found?.kind !== 'answer') throw new Error('It is not answered.');
    return { ...found.answer, replayed: found.replayed };
  }

  /** Resolves once the server says that this driver waits for a lock of another connection. */
  waits(): Promise<void> {
    return until('the driver waits for a lock', async () => {
      const waiting = await this.#watching.query(
        `select 1 from pg_stat_activity
         where datname = current_database() and application_name = $1 and wait_event_type = 'Lock'`,
        [this.owner],
      );
      return waiting.length > 0;
    });
  }

  /** Breaks the connections of this driver that are at work. */
  async disconnect(): Promise<void> {
    await this.#watching.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name = $1 and state = 'active'`,
      [this.owner],
    );
  }

  /** Lets the driver's clock go on and the driver notice; needs a saga in its memory. */
  async pass(ms: number): Promise<void> {
    this.#now += ms;
    // It draws a number per saga and tick; the second tick begins when the first one is through.
    const enough = this.#randoms + 2 * this.runner.liveCount;
    await until('the driver ticks twice', () => this.#randoms >= enough || this.runner.liveCount === 0);
    await quiet();
  }

  /** Lets the time go by after which it renews its lease and looks for orphans. */
  async passLease(ms = (leaseSeconds * 1_000) / 4): Promise<void> {
    const looks = this.#store.looks;
    this.#now += ms;
    await this.looked(looks + 1);
  }

  /** Resolves once it has looked for orphans so often, and goes on with what it found. */
  async looked(times: number): Promise<void> {
    await until(`it has looked ${times} times`, () => this.#store.looks >= times);
    await quiet();
  }

  /** Its process is gone: nothing it sends arrives any more, and no statement that has not. */
  async crash(): Promise<void> {
    this.#isGone = true;
    await this.bus.close();
  }

  async close(): Promise<void> {
    await this.runner.stop(0);
    await this.bus.close();
    await this.#database.close();
  }
}

/** A database that commits the first statement of this name and does not say so. */
export const losingFirst =
  (statement: string) =>
  (database: Queryable): Queryable => {
    let lost = false;
    return {
      query: async (text, values, name) => {
        const rows = await database.query<never>(text, values, name);
        if (name !== statement || lost) return rows;
        lost = true;
        throw new Error('Connection terminated unexpectedly');
      },
    };
  };

/** Whatever could happen without the database has: a bus needs turns of the event loop, nothing else. */
export async function quiet(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await new Promise((next) => setImmediate(next));
}
