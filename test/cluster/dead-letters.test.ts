import { JetStreamBus } from '@tutti/kit/jetstream';
import { commandQueue, type CommandMessage } from '@tutti/kit/saga';
import { until } from '@tutti/kit/testing';
import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { text } from '../support/client.ts';
import { Started } from '../support/started.ts';

// What an operator does at night: see what no service could digest, and send it again.
let dataDir: string;
let system: Started;
let bus: JetStreamBus;

beforeAll(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'tutti-letters-'));
  await chmod(dataDir, 0o755);
  system = await Started.in(dataDir, {}, 'cluster');
  await system.start({}, 120_000);
  const told: unknown = JSON.parse(await readFile(path.join(dataDir, 'cluster.json'), 'utf8'));
  bus = await JetStreamBus.connect({ servers: text(told, 'natsUrl'), name: 'test' });
});
afterAll(async () => {
  await bus.close();
  await system.stop();
  await rm(dataDir, { recursive: true, force: true });
});

/** `npm run dead-letters` as an operator types it. */
function deadLetters(...words: string[]): { code: number | null; said: string } {
  const ended = spawnSync(process.execPath, ['cluster/src/dead-letters.ts', ...words], {
    cwd: path.resolve(import.meta.dirname, '../..'),
    env: { ...process.env, DATA_DIR: dataDir, NATS_URL: '' },
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { code: ended.status, said: `${ended.stdout}${ended.stderr}` };
}

const poison: CommandMessage = {
  type: 'concert.reserve-seats',
  saga: 'no id at all',
  step: 'seats',
  direction: 'do',
  body: {},
  replyTo: 'nobody',
  traceId: '0'.repeat(32),
};

test('a command that no service can digest is listed, replayed, and listed again; the rest flows', async () => {
  expect(deadLetters()).toEqual({ code: 0, said: 'There are none.\n' });
  await bus.publish(commandQueue('concert'), [poison]);
  await until('it is set aside', () => deadLetters().said.includes('no id at all'), 30_000);
  expect(deadLetters().said).toContain('concert.commands');
  const [fan] = await system.fans(1);
  expect((await fan?.charge(100))?.status).toBe(201);
  expect((await fan?.reserve('rehearsal-1', ['A-1-1']))?.status).not.toBe(503);

  expect(deadLetters('--replay', 'concert.commands')).toEqual({
    code: 0,
    said: '1 put back on concert.commands.\n',
  });
  await until('it is set aside again', () => deadLetters('--json').said.includes('no id at all'), 30_000);
});

test('who asks for something else is told how to ask', () => {
  expect(deadLetters('--everything')).toMatchObject({
    code: 1,
    said: expect.stringContaining('npm run dead-letters'),
  });
});
