import { withDatabase } from '@tutti/cluster/topology';
import { Database } from '@tutti/kit/postgres';
import { until } from '@tutti/kit/testing';
import { databaseNames, type DatabaseName } from '@tutti/standalone/system';
import type { Arena } from '../../support/arena.ts';
import { unheardAnswers, type Passage } from '../../support/passage.ts';
import { isAlive } from '../../support/processes.ts';
import { evidenceMsMax, type Fault } from '../fault.ts';
import { againAndAgain } from './again-and-again.ts';
import { Broker } from './broker.ts';
import { replicasOfService } from './restarting.ts';

export function databaseNamed(target: string): DatabaseName {
  const found = databaseNames.find((name) => name === target.replaceAll('-', '_'));
  if (!found) throw new Error(`There is no database ${target}.`);
  return found;
}

export const serverOf = (target: string): string => `postgres of ${target}`;

const waysToPostgres = (arena: Arena, service: string): Passage[] =>
  replicasOfService(arena, service).map((name) => arena.passage(name, 'postgres'));

async function killPostmaster(arena: Arena, database: DatabaseName): Promise<void> {
  const [row] = await arena.query<{ pid: number }>(
    database,
    `select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int as pid`,
  );
  const pid = row?.pid ?? 0;
  process.kill(pid, 'SIGKILL');
  await until('the postmaster is dead', () => !isAlive(pid));
}

/** Of the replicas of a service, as a balancer or an operator would ask them. */
async function countUnready(arena: Arena, service: string): Promise<number> {
  const statuses = await Promise.all(
    replicasOfService(arena, service).map((name) =>
      fetch(`http://127.0.0.1:${arena.replica(name).healthPort}/readyz`).then(
        ({ status }) => status,
        () => 0,
      ),
    ),
  );
  return statuses.filter((status) => status === 503).length;
}

const restarted: Fault = {
  name: 'a PostgreSQL is restarted again and again',
  promise:
    'what needs it waits for it; nothing answered is lost, not by an orderly end and not by recovery from a crash',
  targets: withDatabase,
  evidence: [
    'a PostgreSQL was stopped in order',
    'a PostgreSQL was killed',
    'a replica said that it is not ready',
    'answers between restarts of a PostgreSQL',
  ],
  touches: (target) => [serverOf(target)],
  seconds: { alone: 60, chaos: 15 },
  strike: async (scene, target) => {
    const { arena, crowd, count, random } = scene;
    const database = databaseNamed(target);
    const before = crowd.answered.length;
    let isOrderly = random() < 0.5;
    const ways = new Set<boolean>();
    const stop = againAndAgain(scene, async (rest) => {
      if (!isOrderly) await killPostmaster(arena, database);
      await arena.stopPostgres(database);
      count(isOrderly ? 'a PostgreSQL was stopped in order' : 'a PostgreSQL was killed');
      ways.add(isOrderly);
      isOrderly = !isOrderly;
      count('a replica said that it is not ready', await countUnready(arena, target));
      await rest(random() * 2_000);
      await arena.startPostgres(database);
      await rest(5_000 + random() * 5_000);
    });
    return async () => {
      await until('it went down in both ways', () => ways.size === 2, evidenceMsMax);
      await stop();
      count('answers between restarts of a PostgreSQL', crowd.answered.length - before);
      count('messages set aside by then', (await Broker.deadLetters(arena)).length);
    };
  },
};

/** Those that this crowd keeps busy: nobody in it stands in line. */
const busy = withDatabase.filter((service) => service !== 'waiting-room');

const commitUnknown: Fault = {
  name: 'commits are not heard of',
  promise:
    'what may have been committed is asked for again and answered from the journal: once in effect, the same answer',
  targets: busy,
  evidence: ['an answer of a database was not heard'],
  touches: (target) => [serverOf(target)],
  seconds: { alone: 30, chaos: 8 },
  strike: async ({ arena, count, random }, target) => {
    const passages = waysToPostgres(arena, target);
    const isNow = () => random() < 0.02;
    let unheard = 0;
    for (const passage of passages) {
      passage.tamper = unheardAnswers(isNow, () => {
        unheard++;
        count('an answer of a database was not heard');
      });
      passage.break();
    }
    return async () => {
      await until('an answer was not heard', () => unheard > 0, evidenceMsMax);
      for (const passage of passages) {
        passage.tamper = undefined;
        passage.break();
      }
    };
  },
};

const ended: Fault = {
  name: 'busy connections are ended by the server',
  promise: 'a transaction that was cut off is repeated; what it was about is done once',
  targets: busy,
  evidence: ['a busy connection was ended'],
  touches: (target) => [serverOf(target)],
  seconds: { alone: 30, chaos: 8 },
  strike: async (scene, target) => {
    const { arena, count } = scene;
    const database = new Database(arena.connection(databaseNamed(target)), { connectionsMax: 1 });
    const stop = againAndAgain(scene, async (rest) => {
      const found = await database.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and usename <> current_user and state <> 'idle' order by random() limit 1`,
      );
      count('a busy connection was ended', found.length);
      await rest(20);
    });
    return async () => {
      await stop();
      await database.close();
    };
  },
};

export const databaseFaults: readonly Fault[] = [restarted, commitUnknown, ended];
