import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { InProcessBus, type Delivery } from '../messaging/index.ts';
import { createLog, uuidv7 } from '../service/index.ts';
import { FaultBus, randomFrom, testDatabase, until, type TestDatabase } from '../testing/index.ts';
import { FaultyProcess } from './faulty-process.fixture.ts';
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
  type Encode,
  type Outcome,
  type ReplyMessage,
  type StartMessage,
} from './index.ts';
import { sagaOfShape, ToyJournal, wrongEffects } from './toy-journal.fixture.ts';

const definitions = ['P', 'rP', 'rPa', 'bP', 'rbPaa', 'brPa', 'bbP', 'rbbPa'].map((shape) =>
  sagaOfShape(shape, 4_000),
);
const sagasPerRun = 60;
const rates = { lose: 0.08, duplicate: 0.08, delay: 0.15, reorder: 0.1, redeliver: 0.15 };

// Sagas think in seconds; here a second takes 40 ms.
const startedAt = Date.now();
const now = () => startedAt + (Date.now() - startedAt) * 25;

const log = createLog('silent');
const encode: Encode = (ending) =>
  ending.status === 'succeeded'
    ? { status: 201, body: JSON.stringify(ending.reply) }
    : { status: 409, body: JSON.stringify([ending.reason, ending.undone]) };

let postgres: TestDatabase;
beforeAll(async () => {
  postgres = await testDatabase([sagaMigrations]);
});
afterAll(() => postgres.drop());

/** Everything one run has: a bad bus, toy participants, a gateway, and processes that drive and die. */
class House {
  readonly random: () => number;
  readonly bus: FaultBus;
  readonly journals = new Map<string, ToyJournal>();
  readonly wrong: string[] = [];
  readonly starts: StartMessage[] = [];
  readonly answers = new Map<string, AnswerMessage[]>();
  readonly #processes: { process: FaultyProcess; runner: Runner }[] = [];
  readonly #gateway = `gateway.${uuidv7()}`;
  #databaseFault = 0.1;

  constructor(seed: number) {
    this.random = randomFrom(seed);
    this.bus = new FaultBus(new InProcessBus({ retryFirstMs: 5, retryMaxMs: 50 }), {
      seed,
      delayMaxMs: 40,
      ...rates,
    });
    this.bus.consume(commandQueue('toy'), (batch) => this.#obey(batch), { inFlightMax: 3, batchMax: 16 });
    this.bus.consume(answerQueue(this.#gateway), (batch) => {
      for (const { message } of batch) append(this.answers, message.id, message);
      return Promise.resolve();
    });
  }

  // ── participants ──────────────────────────────────────────────────────────────────────────────────────────────────

  async #obey(batch: readonly Delivery<CommandMessage>[]): Promise<void> {
    await this.#expectTurned(
      batch.flatMap(({ message }) => (message.direction === 'undo' ? [message.saga] : [])),
    );
    const replies = new Map<string, ReplyMessage[]>();
    for (const { message } of batch) {
      const { saga, step, direction, replyTo } = message;
      append(replies, replyTo, { saga, step, direction, outcome: this.#outcomeOf(message) });
    }
    await Promise.all([...replies].map(([to, messages]) => this.bus.publish(replyQueue(to), messages)));
  }

  #outcomeOf({ saga, step, direction }: CommandMessage): Outcome {
    const says = (): Outcome =>
      !step.startsWith('a') && this.random() < 0.1
        ? { refused: { code: `${step}_refused`, data: {} } }
        : { ok: { at: Date.now() } };
    if (step.startsWith('r')) return says();
    const journal = this.journals.get(saga) ?? new ToyJournal();
    this.journals.set(saga, journal);
    return journal.obey(step, direction, says);
  }

  /** No undo leaves before its row says that the saga has turned. */
  async #expectTurned(sagas: readonly string[]): Promise<void> {
    if (sagas.length === 0) return;
    const rows = await postgres.database.query<{ id: string; status: string }>(
      'select id, status from saga where id = any($1)',
      [sagas],
    );
    for (const { id, status } of rows)
      if (status === 'running' || status === 'succeeded')
        this.wrong.push(`${id} is undone while its row says ${status}`);
  }

  // ── fans ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Some are asked for twice under one key, as by a fan who lost the answer. */
  want(saga: string): void {
    const key = uuidv7();
    for (let asked = this.random() < 0.2 ? 2 : 1; asked > 0; asked--)
      this.starts.push({
        id: uuidv7(),
        name: saga,
        fan: 'Mina',
        route: 'POST /trips',
        key,
        fingerprint: saga,
        input: { who: 'Mina' },
        traceId: key,
        sentAt: 0,
        notAfter: Number.MAX_SAFE_INTEGER,
        replyTo: this.#gateway,
        tellStored: true,
      });
  }

  /** Starts of which nothing certain is known are repeated. */
  async askAgain(): Promise<void> {
    const unknown = this.starts.filter(({ id }) => !this.answers.has(id));
    if (unknown.length > 0) await this.bus.publish(startQueue, unknown);
  }

  // ── processes ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A new driver comes while the old one dies, or is only slow and goes on with what it has. */
  async newProcess(): Promise<void> {
    const before = this.#processes.at(-1)?.process;
    if (this.random() < 0.6) before?.kill();
    else before?.takeAway(startQueue);
    for (let tries = 0; ; tries++) {
      const process = new FaultyProcess(this.bus, postgres.database, () => this.#databaseFault, this.random);
      const runner = new Runner({
        bus: process.bus,
        store: new SagaStore(process.database),
        definitions,
        encode,
        log,
        owner: uuidv7(),
        alone: true,
        now,
        random: this.random,
        leaseSeconds: 1,
        tickMs: 20,
      });
      this.#processes.push({ process, runner });
      try {
        return await runner.start();
      } catch (error) {
        // Its start met a database fault: a supervisor would try again.
        process.kill();
        if (tries > 20) throw error;
      }
    }
  }

  heal(): Promise<void> {
    this.#databaseFault = 0;
    return this.bus.heal();
  }

  async end(): Promise<void> {
    for (const { process } of this.#processes) process.kill();
    await Promise.all(this.#processes.map(({ runner }) => runner.stop(0)));
    await this.bus.close();
  }
}

type Ended = { id: string; name: string; key: string; status: string; answer: string };

/** What is wrong with how everything ended, as sentences. */
function wrongEnds({ wrong, starts, journals, answers }: House, rows: readonly Ended[]): string[] {
  const all = [...wrong];
  const byKey = new Map(rows.map((row) => [row.key, row]));
  for (const row of rows) {
    const definition = definitions.find(({ name }) => name === row.name);
    const journal = journals.get(row.id) ?? new ToyJournal();
    if (definition)
      all.push(
        ...wrongEffects(definition, journal, row.status).map((one) => `${row.id} (${row.name}): ${one}`),
      );
  }
  for (const { id, key } of starts) {
    const row = byKey.get(key);
    if (!row) all.push(`${id} has no row`);
    if (row?.id !== id && journals.has(id)) all.push(`${id} acted without a row`);
    for (const told of answers.get(id) ?? [])
      if (told.kind === 'answer' && told.answer.body !== row?.answer)
        all.push(`the fan of ${id} was told ${told.answer.body}, the row says ${row?.answer}`);
  }
  return all;
}

const replayed = process.env['FAULT_SEED'];
const seeds =
  replayed === undefined ? [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, randomInt(1_000_000)] : [Number(replayed)];

test.each(seeds)('sixty sagas end whole on a bad bus under dying drivers (FAULT_SEED=%i)', async (seed) => {
  const house = new House(seed);
  try {
    await house.newProcess();
    for (let wanted = 0; wanted < sagasPerRun; wanted++) {
      house.want(definitions[wanted % definitions.length]?.name ?? '');
      if (wanted % 3 !== 0) continue;
      await house.askAgain();
      await new Promise((later) => setTimeout(later, house.random() * 30));
      if (house.random() < 0.3) await house.newProcess();
    }
    await house.heal();

    const keys = house.starts.map(({ key }) => key);
    await until('every start is known to be stored', async () => {
      await house.askAgain();
      return house.starts.every(({ id }) => house.answers.has(id));
    });
    const open = () =>
      postgres.database.query(
        `select id from saga where key = any($1) and status in ('running', 'compensating')`,
        [keys],
      );
    await until('every saga has ended', async () => (await open()).length === 0, 20_000);
    const rows = await postgres.database.query<Ended>(
      'select id, name, key, status, answer from saga where key = any($1)',
      [keys],
    );
    expect(wrongEnds(house, rows), JSON.stringify({ seed, faults: house.bus.counts })).toEqual([]);
    expect(rows).toHaveLength(sagasPerRun);
  } finally {
    await house.end();
  }
});

function append<V>(map: Map<string, V[]>, key: string, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
