import { Database, type Connection } from '@tutti/kit/postgres';
import { randomFrom } from '../../../contracts/src/line/chance.fixture.ts';
import { clusterIn } from '../cluster.ts';
import type { Crowd } from '../crowd.ts';
import { describeCommit, describePostgres } from '../report/machine.ts';
import { seed } from '../seed.ts';
import { withRunning } from '../surroundings.ts';
import type { RunningSystem } from '../system.ts';
import { ours } from '../systems/ours.ts';
import { until } from '../waiting.ts';
import type { LineSystem, RunningLine } from './line-system.ts';
import { Visits, type Ticket } from './visits.ts';

const concert = '/api/v1/concerts/bench';
const database = 'waiting_room';
/** A hall of 10,000 seats; so many fans choose at once, each about ten seconds, and so many are let in a second. */
const hall = { seats: 10_000, inside: 200, pace: 20 };

/** What `npm start` runs, with its defaults and a sale that is open. */
export const oursLine: LineSystem = {
  name: 'ours',
  title: 'tutti, embedded',
  during: ({ crowd, endings }, work) =>
    withRunning(ours, crowd, endings, async (running, _partner, folder) => {
      await openSale(running, crowd);
      return work(lineOf(running, crowd, clusterIn(folder).connection(database)), folder);
    }),
};

async function openSale(running: RunningSystem, crowd: Crowd): Promise<void> {
  await seed(running, crowd, { main: hall.seats, warmUp: 1, race: 1 });
  await within(running.databases.concert, (concerts) =>
    concerts.query(`update concert set inside = $1, pace = $2, guarded_since = now() where id = 'bench'`, [
      hall.inside,
      hall.pace,
    ]),
  );
  const isOpen = async () => {
    const response = await fetch(`http://127.0.0.1:${running.port}${concert}/queue`);
    return response.ok && (await response.text()).includes('"phase":"open"');
  };
  await until('the sale is open', isOpen, 30_000, 200);
}

const lineOf = (running: RunningSystem, { fans }: Crowd, connection: Connection): RunningLine => ({
  port: running.port,
  join: (fan) => ({ path: `${concert}/queue-tokens`, headers: fans[fan]?.headers ?? '', body: '' }),
  poll: () => ({ method: 'GET', path: `${concert}/queue`, headers: '', body: '' }),
  visits: (joined) =>
    new Visits(running.port, concert, joined.map(ticketOf(fans)), randomFrom(joined.length)),
  bytesStored: () => within(connection, bytesOfTables),
  pids: () => Object.values(running.pids()).flat(),
  isPublic: true,
  describe: async () => `${await describePostgres(running)}; tutti, ${describeCommit()}`,
});

const ticketOf =
  (fans: Crowd['fans']) =>
  ({ fan, body }: { fan: number; body: string }): Ticket => {
    const number = Number(/"number":(\d+)/.exec(body)?.[1] ?? Number.NaN);
    const queueToken = /"queueToken":"([^"]+)"/.exec(body)?.[1] ?? '';
    return { number, queueToken, headers: fans[fan]?.headers ?? '' };
  };

/** Rows, indexes and free space in them, as they lie on the disk. */
async function bytesOfTables(line: Database): Promise<number> {
  const [row] = await line.query<{ bytes: number }>(
    `select sum(pg_total_relation_size(c.oid))::bigint as bytes from pg_class c
     join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public' and c.relkind = 'r'`,
  );
  return row?.bytes ?? Number.NaN;
}

async function within<T>(connection: Connection, work: (database: Database) => Promise<T>): Promise<T> {
  const database = new Database(connection, { connectionsMax: 1 });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}
