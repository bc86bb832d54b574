import type { ConcertQueries, SaleControls } from '@tutti/contracts';
import { LineService } from '@tutti/contracts/wire/line';
import { rpcClient, RpcServer, type RpcClient } from '@tutti/kit/rpc';
import { createLog, freePort, leaveWithUs } from '@tutti/kit/service';
import { readMetrics, testDatabase, until, type TestDatabase } from '@tutti/kit/testing';
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { serveConcert } from '../../services/concert/src/rpc.ts';
import { BoxOffice } from '../../services/waiting-room/test/box-office.fixture.ts';

// Two waiting rooms as processes of their own on one database; the seats are played by the test.

const root = path.resolve(import.meta.dirname, '../..');
const sale = 'evening';
const inside = 3;

type Room = {
  child: ChildProcess;
  release: () => void;
  healthPort: number;
  line: RpcClient<typeof LineService>;
};

const office = new BoxOffice();
const seats = new RpcServer({ log: createLog('silent') });
let place: TestDatabase;
let rooms: Room[] = [];

beforeAll(async () => {
  office.add({ concertId: sale, inside });
  const unused: ConcertQueries = Object.create(null);
  const controls: SaleControls = Object.create(null);
  serveConcert(seats, unused, {
    ...controls,
    sales: () => office.sales(),
    recordAdmissions: (records) => office.recordAdmissions(records),
    settleAdmissions: (questions) => office.settleAdmissions(questions),
    guarded: () => Promise.resolve([]),
    sale: () => Promise.resolve(null),
    changeSale: () => Promise.resolve('not_found'),
  });
  const address = await seats.listen('127.0.0.1', 0);
  place = await testDatabase();
  const { host, port, user } = inject('postgres');
  const { database } = { database: '', ...place.connection };
  const url = `postgresql://${user}@localhost/${database}?host=${encodeURIComponent(host)}&port=${port}`;
  for (const replica of ['1', '2']) rooms.push(await startRoom(url, address, replica));
  await until('both are ready', async () => (await Promise.all(rooms.map(isReady))).every(Boolean), 30_000);
});
afterAll(async () => {
  for (const { child, line, release } of rooms) {
    line.close();
    child.kill('SIGKILL');
    release();
  }
  await seats.stop(0);
  await place.drop();
});

async function startRoom(databaseUrl: string, concert: string, replica: string): Promise<Room> {
  const [port, healthPort] = [await freePort(), await freePort()];
  const child = spawn(process.execPath, ['services/waiting-room/src/process.ts'], {
    cwd: root,
    stdio: 'ignore',
    env: {
      ...process.env,
      DATABASE_URL: databaseUrl,
      CONCERT_ADDRESSES: concert,
      ADMISSION_TOKEN_KEY: Buffer.alloc(32, 5).toString('base64url'),
      HOST: '127.0.0.1',
      PORT: String(port),
      HEALTH_PORT: String(healthPort),
      REPLICA: replica,
    },
  });
  return {
    child,
    release: leaveWithUs(child),
    healthPort,
    line: rpcClient(LineService, `127.0.0.1:${port}`),
  };
}

const isReady = ({ healthPort }: Room): Promise<boolean> =>
  fetch(`http://127.0.0.1:${healthPort}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  );

async function ownsLines({ healthPort }: Room): Promise<boolean> {
  const page = await fetch(`http://127.0.0.1:${healthPort}/metrics`).then((answer) => answer.text());
  return readMetrics(page).value('tutti_lease_held{lease="move-lines"}') === 1;
}

const row = async () => {
  const [found] = await place.database.query<{
    serving: number;
    taken: number;
    slots: number;
    called: number;
  }>(
    `select s.serving, (select count(fan)::int from slot) as taken, (select count(*)::int from slot) as slots,
            (select sum(last - first + 1)::int from call) as called
     from sale s`,
  );
  if (!found) throw new Error('There is no sale.');
  return found;
};

test(
  'an owner paused past its lease is replaced, goes on, and moves nothing; the cap and the order hold throughout',
  { timeout: 90_000 },
  async () => {
    await until('one owns the lines', async () => (await Promise.all(rooms.map(ownsLines))).includes(true));
    const [first, second] = rooms;
    if (!first || !second) throw new Error('There are no two waiting rooms.');
    const [owner, other] = (await ownsLines(first)) ? [first, second] : [second, first];
    await until('the sale is open', async () => {
      const open = await place.database.query('select 1 from sale where seed is not null');
      return open.length === 1;
    });
    const fans = Array.from({ length: 8 }, () => randomUUID());
    const tokens: string[] = [];
    for (const userId of fans) {
      const { result } = await other.line.call.join({ concertId: sale, userId });
      if (result.case !== 'place') throw new Error('There is no place.');
      tokens.push(result.value.queueToken);
    }
    const goesIn = async (index: number): Promise<boolean> => {
      const wish = { concertId: sale, userId: fans[index] ?? '', queueToken: tokens[index] ?? '' };
      return (await other.line.call.admit(wish)).result.case === 'admitted';
    };
    for (const index of [0, 1, 2]) await until(`fan ${index} is in`, () => goesIn(index), 20_000);
    expect(await goesIn(3)).toBe(false);

    owner.child.kill('SIGSTOP');
    await until('the other owns the lines', () => ownsLines(other), 20_000);
    await other.line.call.leave({ concertId: sale, userId: fans[0] ?? '' });
    await until('the fourth is in', () => goesIn(3), 20_000);
    const before = await row();
    expect(before).toMatchObject({ taken: inside, slots: inside });

    owner.child.kill('SIGCONT');
    await until('it answers again', () => isReady(owner), 20_000);
    await until('it has learnt that it owns nothing', async () => !(await ownsLines(owner)), 20_000);
    expect(await ownsLines(other)).toBe(true);
    const { serving, taken, slots, called } = await row();
    expect(serving).toBeGreaterThanOrEqual(before.serving);
    expect({ taken, slots, called }).toEqual({ taken: inside, slots: inside, called: serving });
    expect(await place.database.query('select 1 from admission where number > serving')).toEqual([]);
    // The line goes on under its new owner.
    await other.line.call.leave({ concertId: sale, userId: fans[1] ?? '' });
    await until('the fifth is in', () => goesIn(4), 20_000);
  },
);
