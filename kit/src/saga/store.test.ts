import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLog } from '../service/index.ts';
import { commandSettings } from '../participant/index.ts';
import { rowsRead, sessionsOf, testDatabase, type Sessions, type TestDatabase } from '../testing/index.ts';
import { sagaMigrations, SagaStore } from './index.ts';
import { RowWriter } from './row-writer.ts';
import type { NewRow } from './store.ts';

// Protocol rule 13 for the orchestrator's own table.
let postgres: TestDatabase;
let sessions: Sessions;
beforeAll(async () => {
  postgres = await testDatabase([sagaMigrations]);
  sessions = sessionsOf(postgres, commandSettings);
});
afterAll(async () => {
  await sessions.close();
  await postgres.drop();
});

const many = 20_000;
const owner = 'driver';

const newRow = (): NewRow => ({
  id: randomUUID(),
  name: 'trip',
  version: 1,
  fan: 'Mina',
  route: 'POST /trips',
  key: randomUUID(),
  fingerprint: 'f',
  input: {},
  traceId: 't',
  sentAt: 0,
  notAfter: 0,
  replyTo: 'test',
  tellStored: false,
  deadlineMs: 1_000,
});

test('plans that were made on an empty table look up the rows that are named when it is full', async () => {
  await postgres.database.query('vacuum (analyze)');
  const { connection } = sessions.open();
  const store = new SagaStore(connection);
  const live = async (): Promise<void> => {
    const rows = [newRow(), newRow(), newRow(), newRow()];
    expect(await store.start(rows, owner)).toEqual([]);
    const ended = { status: 'succeeded', reason: null, answerStatus: 201, answer: '{}', steps: [] } as const;
    const written = await store.write(
      rows.map(({ id }) => ({ id, epoch: 1, ...ended })),
      owner,
    );
    expect(written).toHaveLength(rows.length);
    const [first] = rows;
    if (first) expect(await store.start([{ ...first, id: randomUUID() }], owner)).toHaveLength(1);
  };
  for (let time = 0; time < 8; time++) await live();

  await postgres.database.query(
    `insert into saga (id, name, version, fan, route, key, fingerprint, input, trace_id, owner, deadline_at, status, ended_at)
     select gen_random_uuid(), 'trip', 1, n::text, 'r', n::text, 'f', '{}', 't', $2, now(),
            case when n % 2 = 0 then 'running' else 'succeeded' end, case when n % 2 = 0 then null else now() end
     from generate_series(1, $1::int) n`,
    [many, owner],
  );
  expect(await rowsRead(connection, live)).toBeLessThan(many / 10);
});

test('a write of an epoch that has passed is refused beside one of the epoch that came after it', async () => {
  const store = new SagaStore(postgres.database);
  const row = newRow();
  await store.start([row], owner);
  await postgres.database.query('update saga set epoch = 2 where id = $1', [row.id]);
  const writer = new RowWriter(store, owner, createLog('silent'));
  const ended = { status: 'succeeded', reason: null, answerStatus: 201, answer: '{}', steps: [] } as const;
  const [stale, own] = [1, 2].map((epoch) => writer.write({ id: row.id, epoch, ...ended }, true));
  expect([await stale, await own]).toEqual([false, true]);
});

test('a start or an end whose transaction met another one is done again at once', async () => {
  const conflict = (fails: number) => `
    create or replace function fail_commits() returns trigger language plpgsql as $$
    begin
      if nextval('commits') <= ${fails} then raise serialization_failure; end if;
      return null;
    end $$`;
  await postgres.database.query(`create sequence commits; ${conflict(2)};
    create constraint trigger fails_commits after insert or update on saga
      deferrable initially deferred for each row execute function fail_commits()`);
  const store = new SagaStore(postgres.database);
  const row = newRow();
  expect(await store.start([row], owner)).toEqual([]);
  await postgres.database.query(`alter sequence commits restart`);
  const ended = { status: 'succeeded', reason: null, answerStatus: 201, answer: '{}', steps: [] } as const;
  expect(await store.write([{ id: row.id, epoch: 1, ...ended }], owner)).toEqual([{ id: row.id, epoch: 1 }]);
  await postgres.database.query('drop trigger fails_commits on saga; drop sequence commits');
});
