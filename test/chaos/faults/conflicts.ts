import { Database } from '@tutti/kit/postgres';
import { until } from '@tutti/kit/testing';
import { evidenceMsMax, type Fault } from '../fault.ts';
import { againAndAgain } from './again-and-again.ts';
import { Broker } from './broker.ts';
import { databaseNamed, serverOf } from './databases.ts';

/** Where each service writes in every transaction of a saga. */
const written: Readonly<Record<string, string>> = {
  concert: 'journal',
  payment: 'journal',
  partner: 'journal',
  orchestrator: 'saga',
};

/** Of the transactions that write there. */
const conflictShare = 0.2;

const putConflicts = (table: string): string => `
  create sequence conflicts_raised;
  grant usage on sequence conflicts_raised to public;
  create function raise_conflict() returns trigger language plpgsql as $$
  begin
    -- Once for each transaction, however many rows it wrote.
    if current_setting('tutti.chanced', true) = pg_current_xact_id()::text then return null; end if;
    perform set_config('tutti.chanced', pg_current_xact_id()::text, true);
    if random() < ${conflictShare} then
      -- Outlives the rollback that follows.
      perform nextval('conflicts_raised');
      if random() < 0.5 then raise serialization_failure; else raise deadlock_detected; end if;
    end if;
    return null;
  end $$;
  create constraint trigger raises_conflict after insert or update on ${table}
    deferrable initially deferred for each row execute function raise_conflict()`;

const removeConflicts = (table: string): string => `
  drop trigger raises_conflict on ${table};
  drop function raise_conflict();
  drop sequence conflicts_raised`;

const injected: Fault = {
  name: 'commits fail with 40001 and 40P01',
  promise: 'the batch is repeated; nobody is told of it',
  targets: Object.keys(written),
  evidence: ['a commit failed with a conflict'],
  touches: (target) => [serverOf(target)],
  seconds: { alone: 30, chaos: 8 },
  strike: async ({ arena, count }, target) => {
    const database = new Database(arena.connection(databaseNamed(target)), { connectionsMax: 1 });
    const table = written[target] ?? '';
    await database.query(putConflicts(table));
    const raised = async (): Promise<number> => {
      // Of a sequence that gave nothing yet the last value is its first.
      const [row] = await database.query<{ raised: number }>(
        'select case when is_called then last_value else 0 end as raised from conflicts_raised',
      );
      return row?.raised ?? 0;
    };
    return async () => {
      await until('a commit failed', async () => (await raised()) > 0, evidenceMsMax);
      count('a commit failed with a conflict', await raised());
      await database.query(removeConflicts(table));
      await database.close();
    };
  },
};

/** What a rude session locks first, and then: the other way round than the service does. */
const rudeness: Readonly<Record<string, readonly [string, string]>> = {
  concert: [
    `select 1 from seat where status <> 'available' order by id desc limit 200 for update`,
    `select 1 from reservation where status in ('reserved', 'paying') order by id desc for update`,
  ],
  payment: [
    'select 1 from wallet where user_id >= (select percentile_disc(0.5) within group (order by user_id::text)::uuid from wallet) for update',
    'select 1 from wallet order by user_id for update',
  ],
  orchestrator: [
    `select 1 from saga where status in ('running', 'compensating') order by random() limit 20 for update`,
    `select 1 from saga where status in ('running', 'compensating') order by id for update`,
  ],
};

const deadlocked: Fault = {
  name: 'a rude session deadlocks with a service',
  promise: 'PostgreSQL ends one of the two; the service comes again, and nobody is told of it',
  targets: Object.keys(rudeness),
  evidence: ['a deadlock'],
  touches: (target) => [serverOf(target)],
  seconds: { alone: 30, chaos: 10 },
  isLong: true,
  strike: async (scene, target) => {
    const { arena, count } = scene;
    // It looks for deadlocks so late that the service is always the one to be ended.
    const database = new Database(arena.connection(databaseNamed(target)), {
      connectionsMax: 2,
      lockTimeoutMs: 8_000,
      settings: { deadlock_timeout: '20s' },
    });
    const deadlocks = async () => {
      const sql = 'select deadlocks as n from pg_stat_database where datname = current_database()';
      return (await database.query<{ n: number }>(sql))[0]?.n ?? 0;
    };
    const before = await deadlocks();
    const [first, second] = rudeness[target] ?? ['', ''];
    const stop = againAndAgain(scene, async (rest) => {
      await database
        .transaction(async (tx) => {
          await tx.query(first);
          await tx.query('select pg_sleep(0.3)');
          await tx.query(second);
        })
        .catch(() => {
          // Ended by the other's patience; it comes again.
        });
      await rest(200);
    });
    return async () => {
      await stop();
      // Sessions report what happened to them a moment later.
      await until('a deadlock is reported', async () => (await deadlocks()) > before).catch(() => {});
      count('a deadlock', (await deadlocks()) - before);
      await database.close();
    };
  },
};

const locked: Fault = {
  name: 'a table is locked for longer than a service waits',
  promise: 'the statement gives up after 5 s and comes again; when the lock is gone everything goes on',
  targets: Object.keys(written),
  evidence: ['a statement waited for a lock'],
  touches: (target) => [serverOf(target)],
  seconds: { alone: 30, chaos: 10 },
  isLong: true,
  strike: async (scene, target) => {
    const { arena, count, random } = scene;
    const database = new Database(arena.connection(databaseNamed(target)), { connectionsMax: 2 });
    const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    const stop = againAndAgain(scene, async (rest) => {
      await database.transaction(async (tx) => {
        await tx.query(`lock table ${written[target] ?? ''} in access exclusive mode`);
        await rest(1_000 + random() * 7_000);
        count('a statement waited for a lock', (await database.query(waiting)).length);
      });
      await rest(1_000);
    });
    return async () => {
      await stop();
      count('messages set aside by then', (await Broker.deadLetters(arena)).length);
      await database.close();
    };
  },
};

export const conflictFaults: readonly Fault[] = [injected, deadlocked, locked];
