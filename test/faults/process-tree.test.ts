// npm → (sh →) scripts/run.mjs → our process → PostgreSQL and its guard: whichever is killed, the rest leaves.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

const run = fileURLToPath(new URL('../../scripts/run.mjs', import.meta.url));
const fixture = fileURLToPath(new URL('process-tree.fixture.ts', import.meta.url));

// A package of its own, so that a real npm starts the chain. All processes but npm itself name its folder.
const folder = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'process-tree-')));
const dataDir = join(folder, 'data');
const chain = `node ${run} ${fixture} ${dataDir}`;

beforeAll(() => {
  fs.chmodSync(folder, 0o755);
  const scripts = { start: `exec ${chain}`, 'start-below-a-shell': `${chain}; exit $?` };
  fs.writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'chain', private: true, scripts }));
});

afterEach(async () => {
  for (const [pid] of members()) kill(pid);
  await eventually(() => members().length === 0);
});

afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** Pids and command lines of everything below npm. */
function members(): [number, string][] {
  const list = execFileSync('ps', ['-axo', 'pid=,command='], { encoding: 'utf8' }).split('\n');
  return list.filter((line) => line.includes(dataDir)).map((line) => [Number.parseInt(line, 10), line]);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It was faster.
  }
}

function member(words: string): number {
  const found = members().find(
    ([, command]) => command.includes(words) && !/\d+ (\/bin\/)?sh /.test(command),
  );
  if (!found) throw new Error(`there is no ${words}`);
  return found[0];
}

async function eventually(condition: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 20_000; !condition(); await delay(20)) {
    if (Date.now() > deadline) throw new Error(`not so after 20 s: ${condition.toString()}`);
  }
}

async function npmRun(script = 'start') {
  const npm = spawn('npm', ['run', '--silent', '--no-update-notifier', script], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, as a terminal or a service manager gives it.
    detached: true,
  });
  let said = '';
  npm.stdout.on('data', (text: Buffer) => (said += text.toString()));
  npm.stderr.on('data', (text: Buffer) => (said += text.toString()));
  const left = new Promise<number | string | null>((resolve) => {
    npm.once('exit', (code, signal) => resolve(code ?? signal));
  });
  await eventually(() => said.includes('ready'));
  return { pid: npm.pid ?? 0, left, said: () => said };
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s to npm ends everything in order, and npm last',
  async (signal) => {
    const npm = await npmRun();
    process.kill(npm.pid, signal);
    expect(await npm.left).toBe(0);
    expect(npm.said()).toBe(`ready\nstopping ${signal}\nstopped\n`);
    expect(members()).toEqual([]);
  },
);

test.each(['start', 'start-below-a-shell'])(
  'kill -9 of npm (%s): the rest leaves in order',
  async (script) => {
    const npm = await npmRun(script);
    process.kill(npm.pid, 'SIGKILL');
    await eventually(() => members().length === 0 && npm.said().includes('stopping SIGTERM\nstopped'));
  },
);

test('kill -9 of run.mjs: the process it started leaves in order', async () => {
  const npm = await npmRun();
  process.kill(member('run.mjs'), 'SIGKILL');
  await eventually(() => members().length === 0 && npm.said().includes('stopping alone\nstopped'));
  expect(await npm.left).not.toBe(0);
});

test('kill -9 of our process: PostgreSQL leaves, and npm tells that it failed', async () => {
  const npm = await npmRun();
  process.kill(member('node/bin/node'), 'SIGKILL');
  expect(await npm.left).toBe(137);
  await eventually(() => members().length === 0);
});

test('kill -9 of the whole group: PostgreSQL leaves, and the next start comes up at once', async () => {
  const npm = await npmRun();
  process.kill(-npm.pid, 'SIGKILL');
  await npm.left;
  const next = await npmRun();
  process.kill(next.pid, 'SIGTERM');
  expect(await next.left).toBe(0);
});

test('run.mjs passes on exit codes and output, runs tools, and refuses what is neither file nor tool', () => {
  const outcome = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync('node', [run, ...args], { encoding: 'utf8' });
    return { status, stdout, stderr };
  };
  const script = join(folder, 'seven.ts');
  fs.writeFileSync(
    script,
    'const n: number = Number(process.argv[2]);\nconsole.log(process.versions.node);\nprocess.exit(n);\n',
  );
  expect(outcome(script, '7')).toMatchObject({
    status: 7,
    stdout: expect.stringMatching(/^24\./),
    stderr: '',
  });
  expect(outcome('tsc', '--version')).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('Version'),
  });
  expect(outcome('no-such-tool')).toEqual({
    status: 1,
    stdout: '',
    stderr: 'There is no file and no tool named no-such-tool.\n',
  });
});
