import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testDatabase, type TestDatabase } from '../testing/index.ts';
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

// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const portOf = (server: Server): number => (server.address() as AddressInfo).port;

test('whoever waits for an answer that never comes is told, and the next query has another connection', async () => {
  if ('url' in there.connection) throw new Error('The test database has a socket.');
  const database = new Database(
    { ...there.connection, host: '127.0.0.1', port: portOf(door) },
    { connectionsMax: 1, statementTimeoutMs: 100 },
  );
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
