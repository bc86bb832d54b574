import { ensureProgram } from '@tutti/kit/service';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';

// What deploy/prometheus says is what Prometheus understands, and each alert fires when it should and only then.
const folder = path.resolve(import.meta.dirname, '../../deploy/prometheus');
const run = promisify(execFile);
let promtool = '';
beforeAll(async () => {
  promtool = await ensureProgram({ program: 'promtool', debianPackage: 'prometheus' }, (sentence) =>
    process.stdout.write(`${sentence}\n`),
  );
});

/** Its output; throws with it when there is a fault. */
const check = async (...words: string[]) => (await run(promtool, words, { cwd: folder })).stdout;

test('the configuration is one, with its rules and its targets', async () => {
  const said = await check('check', 'config', 'prometheus.yml');
  expect(said).toContain('SUCCESS');
  expect(said).toContain('alerts.yml');
});

test('the rules are rules', async () => {
  expect(await check('check', 'rules', 'alerts.yml')).toMatch(/SUCCESS: \d+ rules found/);
});

test('each alert is quiet while all is well and fires when it is not', async () => {
  expect(await check('test', 'rules', 'alerts.test.yml')).toContain('SUCCESS');
});
