// Builds the fans' web app when it is missing or is not that of its sources.

import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { runChild } from './child.mjs';
import { readText, takeTurn } from './turn.mjs';

const say = (line) => process.stderr.write(`${line}\n`);

/** Returns how the build ended if it had to be run. */
export async function ensureWebApp(root, node) {
  if (!fs.existsSync(join(root, 'web/index.html')) || isBuilt(root)) return undefined;
  const lock = await takeTurn(join(root, '.building-web'), {
    waiting: 'Another script is building the web app; waiting for it …',
    stuck: 'Another script has been building the web app for long',
    blocked: 'The web app has to be built and cannot be built here',
  });
  try {
    // Another script may have done it while this one waited.
    return isBuilt(root) ? undefined : await build(root, node, lock.owners);
  } finally {
    lock.release();
  }
}

const stampOf = (folder) => join(folder, '.built');

const isBuilt = (root) => readText(stampOf(join(root, 'web/dist'))) === fingerprint(root);

/** Changes with whatever the app is made of. By content: a checkout makes every file new. */
function fingerprint(root) {
  const hash = createHash('sha256');
  const folders = ['web/src', 'web/public', 'contracts/src'].flatMap((folder) =>
    filesBelow(join(root, folder)),
  );
  const files = [
    'package-lock.json',
    'web/index.html',
    'web/package.json',
    'web/vite.config.ts',
    'scripts/web.mjs',
  ];
  for (const file of [...files.map((name) => join(root, name)), ...folders].toSorted()) {
    hash.update(relative(root, file)).update('\0').update(fs.readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}

function filesBelow(folder) {
  if (!fs.existsSync(folder)) return [];
  const entries = fs.readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function build(root, node, owners) {
  say('Building the web app …');
  const started = Date.now();
  const wanted = fingerprint(root);
  const made = join(root, 'web/.building');
  fs.rmSync(made, { recursive: true, force: true });
  const vite = join(root, 'node_modules/vite/bin/vite.js');
  const words = [vite, 'build', join(root, 'web'), '--outDir', made, '--logLevel', 'warn'];
  // Standard output belongs to the command that follows.
  const stdio = ['inherit', 2, 2];
  const env = { ...process.env, NODE_ENV: 'production' };
  const ended = await runChild(node, words, { env, stdio, spawned: owners });
  if (ended.code !== 0) return ended;
  await Promise.all(filesBelow(made).map(compress));
  fs.writeFileSync(stampOf(made), wanted);
  // Nothing is served from a folder that is half made.
  const dist = join(root, 'web/dist');
  fs.rmSync(dist, { recursive: true, force: true });
  fs.renameSync(made, dist);
  say(`The web app was built in ${((Date.now() - started) / 1000).toFixed(1)} s.`);
  return ended;
}

/** Once and as small as can be, so that nothing is compressed while fans wait. */
async function compress(file) {
  const bytes = fs.readFileSync(file);
  const small = {
    br: await promisify(brotliCompress)(bytes, {
      params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
    }),
    gz: await promisify(gzip)(bytes, { level: 9 }),
  };
  // Pictures and fonts are small already.
  for (const [ending, packed] of Object.entries(small)) {
    if (packed.length < bytes.length * 0.95) fs.writeFileSync(`${file}.${ending}`, packed);
  }
}
