import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testDatabase, until, type TestDatabase } from '../testing/index.ts';
import { isServerAway, NotConnected } from '../service/index.ts';
import { Database } from './index.ts';

// A server that is gone without a word: a machine that lost its power, a cable that was cut.
let there: TestDatabase;
let door: Server;
let isSilent = false;
const sockets = new Set<Socket>();

beforeAll(async () => {
  there = await testDatabase([]);
  const { connection } = there;
  if ('url' in connection) throw new Error('The test database has a socket.');
  const { host, port } = connection;
  const target = host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port };
  door = createServer((client) => {
    const server = connect(target);
    for (const socket of [client, server]) sockets.add(socket.on('error', () => {}));
    client.on('data', (chunk) => server.write(chunk)).on('close', () => server.destroy());
    server.on('data', (chunk) => isSilent || client.write(chunk)).on('close', () => client.destroy());
  });
  door.listen(0, '127.0.0.1');
  await once(door, 'listening');
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  door.close();
  await there.drop();
});

/** By the door, not by the server's own. */
const through = (port: number) => {
  if ('url' in there.connection) throw new Error('The test database has a socket.');
  return { ...there.connection, host: '127.0.0.1', port };
};

// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const portOf = (server: Server): number => (server.address() as AddressInfo).port;

test('whoever waits for an answer that never comes is told, and the next query has another connection', async () => {
  const database = new Database(through(portOf(door)), { connectionsMax: 1, statementTimeoutMs: 500 });
  try {
    expect(await database.query('select 1 as one')).toEqual([{ one: 1 }]);
    isSilent = true;
    await expect(database.query('select 2 as two')).rejects.toThrow('timeout');
    isSilent = false;
    const transaction = database.transaction(async (tx) => {
      isSilent = true;
      return tx.query('select 3 as three');
    });
    await expect(transaction).rejects.toThrow('timeout');
    isSilent = false;
    expect(await database.query('select 4 as four')).toEqual([{ four: 4 }]);
  } finally {
    await database.close();
  }
});

test('a connection that was never made is told apart from one that ended in the middle', async () => {
  // As a proxy does whose server is away: it takes the connection and drops it.
  const dropping = createServer((client) => client.destroy()).listen(0, '127.0.0.1');
  await once(dropping, 'listening');
  const away = new Database(through(portOf(dropping)), { connectionsMax: 1 });
  const near = new Database(through(portOf(door)), { connectionsMax: 1 });
  try {
    const neverAsked: unknown = await away.query('select 1').catch((error: unknown) => error);
    expect(neverAsked).toBeInstanceOf(NotConnected);
    expect(isServerAway(neverAsked)).toBe(true);

    const [row] = await near.query<{ pid: number }>('select pg_backend_pid() as pid');
    const asked = near.query('select pg_sleep(60)').catch((error: unknown) => error);
    const isAsked = () =>
      there.database.query(`select from pg_stat_activity where pid = $1 and query like '%sleep%'`, [
        row?.pid,
      ]);
    await until('it is asked', async () => (await isAsked()).length === 1);
    for (const socket of sockets) socket.destroy();
    const unheard = await asked;
    expect(unheard).toBeInstanceOf(Error);
    expect(isServerAway(unheard)).toBe(false);
    expect(await near.query('select 2 as two')).toEqual([{ two: 2 }]);
  } finally {
    await Promise.all([away.close(), near.close()]);
    dropping.close();
  }
});

test('a statement that is refused costs no connection', async () => {
  const database = new Database(there.connection, { connectionsMax: 1 });
  const pid = () => database.query('select pg_backend_pid() as pid');
  try {
    const before = await pid();
    await expect(database.query('select 1 / 0')).rejects.toThrow('division by zero');
    expect(await pid()).toEqual(before);
  } finally {
    await database.close();
  }
});

test('a statement that was prepared before a table changed is prepared anew after one refusal', async () => {
  const database = new Database(there.connection, { connectionsMax: 1 });
  const all = () => database.query('select * from thing', [], 'all_things');
  try {
    await database.query('create table thing (number int)');
    await all();
    await database.query('alter table thing add column name text');
    await expect(all()).rejects.toThrow('cached plan');
    expect(await all()).toEqual([]);
  } finally {
    await database.close();
  }
});
