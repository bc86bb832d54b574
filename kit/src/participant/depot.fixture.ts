import { randomUUID } from 'node:crypto';
import { InProcessBus, type Bus } from '../messaging/index.ts';
import { Database, sqlState, type Queryable, type Row } from '../postgres/index.ts';
import {
  commandQueue,
  replyQueue,
  type CommandMessage,
  type Direction,
  type Outcome,
  type ReplyMessage,
} from '../saga/index.ts';
import { createLog } from '../service/index.ts';
import { testDatabase, until } from '../testing/index.ts';
import { journalMigrations, Participant, type ParticipantOptions } from './index.ts';

/** A small service's database, and participants that obey its commands. */
export type Depot = {
  readonly database: Database;
  /** A connection of its own; `waits` resolves once the server says that it waits for a lock of another. */
  connection(settings?: Record<string, string | number>): Database & { waits(): Promise<void> };
  /** Boxes with room for so much each; returns their names. */
  crates(count: number, room?: number): Promise<string[]>;
  load(crate: string): Promise<number>;
  /** A participant on a bus of its own, over the depot's database unless another way to it is given. */
  staff(options?: StaffOptions): Staff;
  participantOn(bus: Bus, options?: Partial<ParticipantOptions>): Participant;
  close(): Promise<void>;
};

type StaffOptions = Partial<ParticipantOptions> & {
  /** What stands between the participant and the bus. */
  through?: (bus: Bus) => Bus;
  /** When the bus delivers again what a handler threw: at once, unless a test is about not needing it. */
  redeliverMs?: number;
};

export type Staff = {
  readonly bus: InProcessBus;
  readonly participant: Participant;
  readonly replies: ReplyMessage[];
  send(...commands: CommandMessage[]): Promise<void>;
  answered(count: number): Promise<void>;
};

export const effects = ['depot.put', 'depot.take-back'];

export async function openDepot(): Promise<Depot> {
  const sets = [journalMigrations, { name: 'depot', folder: new URL('./depot.fixture/', import.meta.url) }];
  const { connection: where, database, drop } = await testDatabase(sets);
  const connections: Database[] = [];
  const buses: InProcessBus[] = [];
  const participantOn = (bus: Bus, options: Partial<ParticipantOptions> = {}) =>
    new Participant({ bus, service: 'depot', database, effects, log: createLog('silent'), ...options });
  return {
    database,
    connection: (settings = {}) => {
      const name = `connection-${connections.length + 1}`;
      const one = new Database(where, {
        connectionsMax: 1,
        lockTimeoutMs: 30_000,
        statementTimeoutMs: 60_000,
        settings: { application_name: name, ...settings },
      });
      connections.push(one);
      const isWaiting = async () => {
        const waiting = await database.query(
          `select 1 from pg_stat_activity
           where datname = current_database() and application_name = $1 and wait_event_type = 'Lock'`,
          [name],
        );
        return waiting.length > 0;
      };
      return Object.assign(one, { waits: () => until('the connection waits for a lock', isWaiting) });
    },
    crates: async (count, room = 1_000) => {
      const names = Array.from({ length: count }, () => randomUUID()).toSorted();
      await database.query('insert into crate (id, room) select id, $2 from unnest($1::text[]) id', [
        names,
        room,
      ]);
      return names;
    },
    load: async (crate) => {
      const [row] = await database.query<{ load: number }>('select load from crate where id = $1', [crate]);
      return row?.load ?? 0;
    },
    participantOn,
    staff: ({ through = (bus: Bus) => bus, redeliverMs = 1, ...options } = {}) => {
      const bus = new InProcessBus({ retryFirstMs: redeliverMs, retryMaxMs: redeliverMs });
      buses.push(bus);
      const replies: ReplyMessage[] = [];
      bus.consume(replyQueue('test'), (batch) => {
        for (const { message } of batch) replies.push(message);
        return Promise.resolve();
      });
      return {
        bus,
        participant: participantOn(through(bus), options),
        replies,
        send: (...commands) => bus.publish(commandQueue('depot'), commands),
        answered: (count) => until(`${count} are answered`, () => replies.length >= count),
      };
    },
    close: async () => {
      await Promise.all(buses.map((bus) => bus.close()));
      await Promise.all(connections.map((one) => one.close()));
      await drop();
    },
  };
}

/** Whatever could be handled without the database has been: a bus needs turns of the event loop, nothing else. */
export async function quiet(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await new Promise((next) => setImmediate(next));
}

/** A database whose calls a test may hold up, count or spoil on their way. */
export function intercepted(
  database: Queryable,
  call: (run: () => Promise<Row[]>, values: readonly unknown[]) => Promise<Row[]>,
): Queryable {
  return {
    query: async <R extends Row>(text: string, values: readonly unknown[] = [], name?: string) =>
      // The rows are those that `run` brings: of the shape that whoever asks knows.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      (await call(() => database.query<R>(text, values, name), values)) as R[],
  };
}

/** Notes how each call went: the SQLSTATE, or `done`. */
export const noting = (database: Queryable, calls: string[]): Queryable =>
  intercepted(database, async (run) => {
    try {
      const rows = await run();
      calls.push('done');
      return rows;
    } catch (error) {
      calls.push(sqlState(error) ?? String(error));
      throw error;
    }
  });

/** A bus that fails to send the first replies. */
export function losingFirstReplies(bus: Bus): Bus {
  let lost = false;
  return {
    publish: (to, messages) => {
      if (lost || to.name !== replyQueue('test').name) return bus.publish(to, messages);
      lost = true;
      return Promise.reject(new Error('The connection broke.'));
    },
    consume: (from, handler, options) => bus.consume(from, handler, options),
    deadLetters: () => bus.deadLetters(),
    replayDeadLetters: (name) => bus.replayDeadLetters(name),
    close: () => bus.close(),
  };
}

type Asked = { saga?: string; step?: string; direction?: Direction };

export const put = (crate: string, amount: unknown, asked: Asked = {}): CommandMessage => ({
  type: 'depot.put',
  saga: randomUUID(),
  step: 'put',
  direction: 'do',
  body: { crate, amount },
  replyTo: 'test',
  traceId: 'test',
  ...asked,
});

export const takeBack = (done: CommandMessage): CommandMessage => ({
  ...done,
  type: 'depot.take-back',
  direction: 'undo',
});

export const settle = (done: CommandMessage): CommandMessage => ({ ...done, direction: 'settle', body: {} });

/** What a test compares: `ok`, or the code of the refusal. */
export const verdict = (outcome: Outcome): string => ('ok' in outcome ? 'ok' : outcome.refused.code);
