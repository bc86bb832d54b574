import { until } from '@tutti/kit/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { request, text, type Reply } from '../support/client.ts';
import { Playground } from '../support/playground.ts';
import { isAlive, killAll, processesOn } from '../support/processes.ts';
import { crowdAt, expectRecovered } from '../support/recovery.ts';
import { Started } from '../support/started.ts';
import { openSagas } from '../support/lies.ts';
import { expectNothingLeft } from '../support/truth.ts';

// However it ends, asked to or killed, whole or in part: nothing is left behind, and the next start goes on.

const playground = new Playground('stopping');
/** Starting anew takes a second longer, so the tests follow each other on this one. */
let used: Started;

beforeAll(async () => {
  used = await Started.in(playground.unused());
});
afterEach(() => playground.clear());
afterAll(() => playground.remove());

test('SIGTERM under load: it leaves with 0 and nothing behind, and the next start finds no saga to go on with', async () => {
  await used.start();
  const crowd = await crowdAt(used);
  const asked = Date.now();
  expect(await used.stop()).toBe(0);
  await expectNothingLeft(used, 2_000);
  await used.start();
  // The row of a saga names who drove it last: here the first start was the only one to drive any of its own.
  const drivers = await used.query(
    'orchestrator',
    'select distinct owner from saga where created_at < to_timestamp($1)',
    [asked / 1_000],
  );
  expect(drivers).toHaveLength(1);
  await expectRecovered(used, crowd);
});

test('SIGTERM: a request that is under way is answered', async () => {
  await used.start();
  const fans = await used.fans(20);
  await Promise.all(fans.map((fan) => fan.charge(100)));
  const release = await used.holdingWallets(fans);
  const answers = fans.map((fan) => fan.charge(200));
  await until('all are under way', async () => (await openSagas(used)) === fans.length);
  const stopping = used.stop();
  await until('the door is closed', () =>
    request(used.address, 'GET', '/healthz').then(
      () => false,
      () => true,
    ),
  );
  await release();
  const releasedAt = Date.now();
  const statuses = (await Promise.all(answers)).map(({ status }) => status);
  expect(statuses).toEqual(fans.map(() => 201));
  expect(await stopping).toBe(0);
  // Their connections are kept alive by the clients and must not be waited for.
  expect(Date.now() - releasedAt).toBeLessThan(5_000);
  await expectNothingLeft(used, 2_000);
});

test(
  'SIGTERM while a database does not answer: it leaves all the same, and the next start ends what was begun',
  { timeout: 90_000 },
  async () => {
    await used.start({ DRAIN_SECONDS: '1' });
    const [fan] = await used.fans(1);
    if (!fan) throw new Error('There is no fan.');
    await fan.charge(100);
    const release = await used.holdingWallets([fan]);
    const key = 'while-nothing-answers';
    const answer = fan.charge(200, key).catch(() => undefined);
    await until('it is under way', async () => (await openSagas(used)) === 1);
    expect(await used.stop()).toBe(0);
    await release().catch(() => undefined);
    expect((await answer)?.status ?? 202).toBe(202);
    await expectNothingLeft(used, 2_000);
    await used.start();
    let ended: Reply | undefined;
    await until(
      'it is answered',
      async () => {
        ended = await fan.charge(200, key);
        return ended.status === 201 || (ended.status === 503 && text(ended.body, 'code') === 'timed_out');
      },
      30_000,
    );
    // Its time may have run out on the way.
    expect(await fan.balance()).toBe(ended?.status === 201 ? 300 : 100);
    expect(await used.stop()).toBe(0);
  },
);

test(
  'when PostgreSQL alone is killed the process says so and leaves with 1; the next start goes on',
  { timeout: 120_000 },
  async () => {
    await used.start();
    const crowd = await crowdAt(used);
    process.kill(used.postmaster, 'SIGKILL');
    expect(await used.ended(40_000)).toBe(1);
    expect(used.output).toMatch(
      /PostgreSQL in \S+ is gone: it was ended by SIGKILL\. Start again; nothing accepted is lost\.\n$/,
    );
    await expectNothingLeft(used);
    await used.start();
    await expectRecovered(used, crowd);
    expect(await used.stop()).toBe(0);
  },
);

const npmStart = ['npm', 'start', '--silent', '--no-update-notifier'] as const;

test.each([
  { whom: 'npm', isIt: (command: string) => command.startsWith('npm ') },
  { whom: 'run.mjs', isIt: (command: string) => /run\.mjs (--web )?standalone/.test(command) },
  {
    whom: 'the server',
    isIt: (command: string) => command.endsWith('standalone/src/main.ts') && !/run\.mjs/.test(command),
  },
])(
  'kill -9 of $whom, started by npm: nothing stays on the port, and the next start goes on',
  { timeout: 120_000 },
  async ({ isIt }) => {
    const child = used.launch({ WEB_DIR: '' }, npmStart);
    await until('it is ready', () => used.isReady(), 40_000).catch((cause: unknown) => {
      throw new Error(`It did not start; it said: ${used.output}`, { cause });
    });
    const crowd = await crowdAt(used);
    const killed = processesOn(used.dataDir).filter(({ command }) => isIt(command));
    expect(killed.length, JSON.stringify(processesOn(used.dataDir))).toBe(1);
    killAll(killed.map(({ pid }) => pid));
    await until('npm has ended', () => !isAlive(child.pid ?? 0), 30_000);
    await expectNothingLeft(used, 30_000);
    await used.start();
    await expectRecovered(used, crowd);
    expect(await used.stop()).toBe(0);
  },
);
