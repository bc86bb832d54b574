import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

// The build of the fans' app, with a stand-in for the bundler that says how often it ran.
const scripts = path.resolve(import.meta.dirname, '../../scripts');
let root: string;

const write = (name: string, content: string): void => {
  fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
  fs.writeFileSync(path.join(root, name), content);
};
const read = (name: string): string => fs.readFileSync(path.join(root, name), 'utf8');
const builds = (): number => (fs.existsSync(path.join(root, 'builds')) ? read('builds').length : 0);

beforeAll(() => {
  root = fs.mkdtempSync(path.join(tmpdir(), 'tutti-build-'));
  for (const name of ['package-lock.json', 'web/package.json', 'web/vite.config.ts']) write(name, '{}');
  write('web/index.html', 'page');
  write('web/src/main.tsx', 'first');
  write(
    'node_modules/vite/bin/vite.js',
    `const fs = require('node:fs');
     const out = process.argv[process.argv.indexOf('--outDir') + 1];
     fs.appendFileSync(${JSON.stringify(path.join(root, 'builds'))}, '.');
     if (fs.readFileSync(${JSON.stringify(path.join(root, 'web/src/main.tsx'))}, 'utf8') === 'broken') process.exit(3);
     setTimeout(() => {
       fs.mkdirSync(out + '/assets', { recursive: true });
       fs.writeFileSync(out + '/index.html', 'page '.repeat(100));
       fs.writeFileSync(out + '/assets/picture.png', 'x');
     }, 200);`,
  );
  write('scripts/web.mjs', '');
});
afterAll(() => fs.rmSync(root, { recursive: true }));

/** Exit code of the build, 0 also where none was needed. */
async function ensure(): Promise<number> {
  const words = `import { ensureWebApp } from ${JSON.stringify(path.join(scripts, 'web.mjs'))};
    const ended = await ensureWebApp(${JSON.stringify(root)}, process.execPath);
    process.exitCode = ended?.code ?? 0;`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', words], { stdio: 'ignore' });
  const [code] = await once(child, 'exit');
  return Number(code);
}

test('several scripts at once build the app once, and what is small already is not packed', async () => {
  expect(await Promise.all([ensure(), ensure(), ensure()])).toEqual([0, 0, 0]);
  expect(builds()).toBe(1);
  const made = fs.readdirSync(path.join(root, 'web/dist'), { recursive: true, encoding: 'utf8' });
  expect(made.toSorted()).toEqual([
    '.built',
    'assets',
    'assets/picture.png',
    'index.html',
    'index.html.br',
    'index.html.gz',
  ]);
});

test('it is built again when a source has changed, and only then', async () => {
  fs.utimesSync(path.join(root, 'web/src/main.tsx'), new Date(), new Date());
  await ensure();
  expect(builds()).toBe(1);
  write('web/src/main.tsx', 'second');
  await ensure();
  expect(builds()).toBe(2);
  await ensure();
  expect(builds()).toBe(2);
});

test('a build that fails is told, leaves what was there, and is tried again', async () => {
  write('web/src/main.tsx', 'broken');
  expect(await ensure()).toBe(3);
  expect(await ensure()).toBe(3);
  expect(builds()).toBe(4);
  expect(read('web/dist/index.html')).toContain('page');
  write('web/src/main.tsx', 'second');
  expect(await ensure()).toBe(0);
  expect(builds()).toBe(4);
});
