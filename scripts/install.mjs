// Installs the packages when they are missing or are not those of package-lock.json.

import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { basename, join } from 'node:path';
import { runChild } from './child.mjs';
import { readJson, readText, takeTurn } from './turn.mjs';

const say = (line) => process.stderr.write(`${line}\n`);

/** Returns how `npm ci` ended if it had to be run. `tool` is the name of a command which has to be there. */
export async function ensureInstalled(root, tool) {
  if (isInstalled(root, tool)) return undefined;
  // One at a time: `npm ci` begins by deleting node_modules.
  const lock = await takeTurn(join(root, '.installing'), {
    waiting: 'Another script is installing packages; waiting for it …',
    stuck: 'Another script has been installing packages for long',
    blocked: 'Packages are missing and cannot be installed here',
  });
  try {
    // Another script may have done it while this one waited.
    if (isInstalled(root, tool)) return undefined;
    return await install(root, lock.owners);
  } finally {
    lock.release();
  }
}

function isInstalled(root, tool) {
  const modules = join(root, 'node_modules');
  const lock = readJson(join(root, 'package-lock.json'));
  if (!fs.existsSync(join(modules, '.bin/node'))) return false;
  if (tool && bringsTool(lock, tool) && !fs.existsSync(join(modules, '.bin', tool))) return false;
  const wanted = fingerprint(root);
  if (readText(stampOf(root)) === wanted) return true;
  const installed = readJson(join(modules, '.package-lock.json'));
  if (!installed) return false;
  if (!holdsAll(installed.packages, lock.packages)) return !mayWrite(modules);
  writeStamp(root, wanted);
  return true;
}

const stampOf = (root) => join(root, 'node_modules/.tutti-installed');

// A checkout of somebody else is used as it is.
function writeStamp(root, wanted) {
  try {
    fs.writeFileSync(stampOf(root), wanted);
  } catch {
    // Then every start compares the lock files, which takes some milliseconds.
  }
}

function mayWrite(folder) {
  try {
    fs.accessSync(folder, fs.constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

const dependencyFields = [
  'name',
  'dependencies',
  'devDependencies',
  'optionalDependencies',
  'peerDependencies',
  'overrides',
  'workspaces',
  'allowScripts',
];

/** Changes with everything that decides what `npm ci` installs; scripts and exports of a package.json do not. */
function fingerprint(root) {
  const hash = createHash('sha256').update(readText(join(root, 'package-lock.json')) ?? '');
  for (const folder of ['.', ...workspaces(root)]) {
    const manifest = readJson(join(root, folder, 'package.json')) ?? {};
    hash.update(JSON.stringify([folder, dependencyFields.map((field) => manifest[field])]));
  }
  return hash.digest('hex');
}

function workspaces(root) {
  const patterns = readJson(join(root, 'package.json'))?.workspaces ?? [];
  const folders = patterns.flatMap((pattern) =>
    pattern.endsWith('/*')
      ? fs.readdirSync(join(root, pattern.slice(0, -2))).map((name) => join(pattern.slice(0, -2), name))
      : [pattern],
  );
  return folders.filter((folder) => fs.existsSync(join(root, folder, 'package.json'))).toSorted();
}

/** Whether what npm says it installed is what the lock asks for: somebody may have run `npm ci` by hand. */
function holdsAll(installed, wanted) {
  const withoutTools = !Object.values(installed).some(({ dev }) => dev);
  return Object.entries(wanted).every(([path, entry]) => {
    // Our own folders; they are wanted as links below node_modules.
    if (!path.includes('node_modules/')) return true;
    const present = installed[path];
    if (!present) return (entry.dev && withoutTools) || isForOthers(entry);
    return entry.link ? present.resolved === entry.resolved : present.version === entry.version;
  });
}

// npm skips optional packages of other platforms, and what only those need.
function isForOthers({ optional, devOptional, os, cpu, libc }) {
  if (!optional && !devOptional) return false;
  const here = (list, value) => !list || list.includes(value);
  return (!os && !cpu) || Boolean(libc) || !here(os, process.platform) || !here(cpu, process.arch);
}

function bringsTool(lock, tool) {
  return Object.values(lock.packages).some(({ bin }) => bin && Object.hasOwn(bin, tool));
}

async function install(root, owners) {
  say('Installing packages with npm ci …');
  const started = Date.now();
  const seconds = () => `${Math.round((Date.now() - started) / 1000)} s`;
  // npm shows its progress on a terminal only.
  const progress = process.stderr.isTTY ? undefined : setInterval(() => say(`… ${seconds()}`), 10_000);
  try {
    const [npm, ...first] = npmCommand();
    // Everything, whatever NODE_ENV says; warnings about packages of packages are nothing a user can act on.
    const args = ['ci', '--no-audit', '--no-fund', '--include=dev', '--include=optional', '--loglevel=error'];
    // Standard output belongs to the command that follows: some of them write JSON.
    const stdio = ['inherit', 2, 2];
    const words = [...first, ...args, '--prefix', root];
    const ended = await runChild(npm, words, { env: process.env, stdio, spawned: owners });
    if (ended.code === 0) finishInstall(root, seconds());
    return ended;
  } finally {
    clearInterval(progress);
  }
}

function finishInstall(root, duration) {
  if (!fs.existsSync(join(root, 'node_modules/.bin/node'))) {
    throw new Error(
      'npm ci did not bring Node 24: does a setting (ignore-scripts) keep install scripts from running?',
    );
  }
  writeStamp(root, fingerprint(root));
  say(`Packages installed in ${duration}.`);
}

/** The npm that started us, on the Node that runs it; else the one on PATH. */
function npmCommand() {
  const script = process.env.npm_execpath ?? '';
  return /^np[mx]-cli\.js$/.test(basename(script))
    ? [process.execPath, script.replace(/npx-cli\.js$/, 'npm-cli.js')]
    : ['npm'];
}
