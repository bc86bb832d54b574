import { crashPoints, uuidv7 } from '@tutti/kit/service';
import { randomFrom, until } from '@tutti/kit/testing';
import { HistoryReader } from '@tutti/standalone/audit/history';
import { globSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Crowd } from '../support/crowd.ts';
import { Started } from '../support/started.ts';
import { expectAllTrue, expectDrained } from '../support/truth.ts';

// Dies at every point that kit/src/service/crash-point.ts lists: one data directory, one crash after the other, and after
// each the next start has to bring everything to its end.

const root = path.resolve(import.meta.dirname, '../..');
const sources = globSync(['kit/src/**/*.ts', 'services/*/src/**/*.ts', 'standalone/src/**/*.ts'], {
  cwd: root,
}).filter((file) => !/\.(test|fixture)\.ts$|crash-point\.ts$/.test(file));

/** Which services run the code of a point that several share. */
const services: Readonly<Record<string, readonly string[]>> = {
  'participant.before-commit': ['concert', 'payment', 'partner'],
  'participant.after-commit': ['concert', 'payment', 'partner'],
  'participant.after-send': ['user', 'concert', 'payment', 'partner'],
  'participant.before-undo': ['concert'],
  'participant.after-undo': ['concert'],
  'participant.before-settle': ['concert', 'payment'],
  'participant.after-settle': ['concert', 'payment'],
};

// It wants a system that never started.
const first = ['season.while-loading'];
// This form has no broker: test/chaos/faults/crash-points.ts dies at those.
const rest = Object.keys(crashPoints).filter((name) => !first.includes(name) && !name.startsWith('queue.'));
const each = [...first, ...rest].flatMap(
  (name) => services[name]?.map((service) => `${service}/${name}`) ?? [name],
);
/** Those where it matters what went before. */
const again = [
  'concert/participant.after-commit:3',
  'payment/participant.before-commit:3',
  'payment/participant.after-commit:3',
  'partner/participant.after-commit:3',
  'concert/participant.after-undo:3',
  'saga.after-store:3',
  'saga.after-turn:3',
  'saga.after-answer:3',
  'saga.after-refusal:3',
  'gateway.after-response:3',
  'expirer.before-expire:3',
];

const seed = Math.floor(Math.random() * 2 ** 31);
const random = randomFrom(seed);
const history = new HistoryReader();
let dataDir = '';
let system: Started;
let crowd: Crowd;

beforeAll(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'tutti-crash-points-'));
  await chmod(dataDir, 0o755);
  system = await Started.in(dataDir, { HOLD_SECONDS: '2' });
});
// Only where a test failed is there still something.
afterEach(async () => {
  void crowd.stop();
  await system.killEverything();
});
afterAll(async () => {
  await rm(dataDir, { recursive: true, force: true });
});

test.each([...each, ...again])(
  'a crash at %s leaves nothing that the next start does not end',
  async (point) => {
    if (point === 'season.before-mark') await forgetTheSeason();
    const child = system.launch({ CRASHPOINT: point });
    const isDead = () => child.exitCode !== null;
    await until('it is ready or dead', async () => isDead() || (await system.isReady()), 40_000);
    // Whatever fails here fails because the process dies, which is what is wanted.
    crowd = new Crowd({
      performanceId: 'rehearsal-1',
      seatIds: await freeSeats().catch(() => []),
      random,
      history,
    });
    await load(crowd).catch(() => undefined);
    expect(await system.ended(15_000), `it was killed by itself; it said: ${system.output}`).toBe(137);
    await system.start();
    await crowd.stop();
    expect(crowd.strange, `seed ${seed}`).toEqual([]);
    await expectDrained(system);
    await expectAllTrue(system, crowd, seed);
    expect(await system.stop()).toBe(0);
  },
);

test('every point stands in the sources once, and none is there that the list does not know', () => {
  const used = sources.flatMap((file) =>
    [
      ...readFileSync(path.join(root, file), 'utf8').matchAll(
        /\b(?:crashPoint|heldCrashPoint)\(\s*('[^']*'|[^\s)])/g,
      ),
    ].flatMap(([, name]) => name ?? []),
  );
  expect(used.toSorted()).toEqual(
    Object.keys(crashPoints)
      .map((name) => `'${name}'`)
      .toSorted(),
  );
});

/** As if the load had not come to its end. */
async function forgetTheSeason(): Promise<void> {
  await system.start();
  await system.query('concert', 'drop table loaded_season');
  await system.stop();
}

async function freeSeats(): Promise<string[]> {
  const seats = await system.query<{ id: string }>(
    'concert',
    `select id from seat where status = 'available' order by id limit 60`,
  );
  return seats.map(({ id }) => id);
}

async function load(fans: Crowd): Promise<void> {
  const all = await system.fans(8);
  fans.send(all.slice(0, 4));
  // Nothing is cheap enough for these: their payments are undone.
  fans.send(all.slice(4), 100);
  await leaveOrphans();
}

/**
 * Sagas of a driver that is gone, for fans who are gone: their rows are taken over, nobody is found, and only the pivot's
 * journal can say whether it took place (`settle`).
 */
async function leaveOrphans(): Promise<void> {
  const orphan = (name: string, input: object) => ({ id: uuidv7(), name, fan: uuidv7(), input });
  const userId = uuidv7();
  const orphans = [
    orphan('charge-points', { userId, amount: 100 }),
    orphan('reserve-seats', { userId, performanceId: 'rehearsal-1', seatIds: ['none'] }),
  ];
  await system.query(
    'orchestrator',
    `insert into saga (id, name, version, fan, route, key, fingerprint, input, trace_id, owner, deadline_at)
     select id, name, 1, fan, 'POST /orphans', 'key', 'none', input, 'none', 'gone', now() + interval '10 seconds'
     from json_to_recordset($1::json) as o(id uuid, name text, fan text, input json)`,
    [JSON.stringify(orphans)],
  );
}
