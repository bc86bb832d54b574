import { spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { field, list, request } from '../support/client.ts';
import { Started } from '../support/started.ts';

const root = path.resolve(import.meta.dirname, '../..');
const season = path.join(root, 'test/support/season.yaml');
let dataDir: string;
let system: Started;

beforeAll(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'tutti-season-'));
  await chmod(dataDir, 0o755);
  system = await Started.in(dataDir);
});
afterAll(async () => {
  await system.killEverything();
  await rm(dataDir, { recursive: true, force: true });
});

/** `npm run season -- …` without npm in between. */
async function run(...args: string[]): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, ['scripts/run.mjs', 'standalone/src/season.ts', ...args], {
    cwd: root,
    env: { ...process.env, DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const code = await new Promise<number | null>((ended) => child.once('close', (exit) => ended(exit)));
  return { code, said };
}

test('a season is loaded into a data folder that nothing runs on, and then it is the one the system starts with', async () => {
  const first = await run(season);
  expect(first).toEqual({
    code: 0,
    said: 'The season is loaded: 1 concerts, 1 performances, 2452 seats; 2 of them new or changed.\n',
  });
  await system.start();
  const { body } = await request(system.address, 'GET', '/api/v1/concerts');
  expect(list(body, 'items').map((concert) => field(concert, 'concertId'))).toEqual(['rehearsal']);
});

test('it is updated while the sale is open, and loading the same again changes nothing', async () => {
  const dearer = path.join(dataDir, 'dearer.yaml');
  const text = (await readFile(season, 'utf8')).replace('VIP: 1500', 'VIP: 1900');
  await writeFile(dearer, text.replace('../../venues', path.relative(dataDir, path.join(root, 'venues'))));
  expect(await run(dearer)).toMatchObject({
    code: 0,
    said: expect.stringContaining('1 of them new or changed'),
  });
  const { body } = await request(system.address, 'GET', '/api/v1/concerts/rehearsal');
  expect(field(body, 'priceRange')).toEqual({ min: 400, max: 1_900 });
  expect(await run(dearer)).toMatchObject({
    code: 0,
    said: expect.stringContaining('0 of them new or changed'),
  });
});

test('a file with mistakes is refused in sentences that say where, and nothing changes', async () => {
  const broken = path.join(dataDir, 'broken.yaml');
  await writeFile(broken, 'season: x\nconcerts:\n  - id: Not Allowed\n');
  const { code, said } = await run(broken);
  expect(code).toBe(1);
  expect(said).toMatch(/broken\.yaml, line \d+/);
  expect(said).not.toMatch(/\n {4}at /);
  expect(await run('nowhere.yaml')).toMatchObject({
    code: 1,
    said: expect.stringContaining('no file nowhere.yaml'),
  });
  expect(await run()).toMatchObject({ code: 2, said: expect.stringContaining('Usage') });
});
