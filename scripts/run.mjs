// The door of every npm script: node scripts/run.mjs [--web] <file.ts | tool> [arguments…]
//
// Plain JavaScript for whatever Node the system has (20 or later). It installs what is missing, then runs the file or
// the tool on the Node that the packages bring, and passes on what ends it. With --web the fans' app is built before.

import { closeSync, existsSync, openSync, readSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { basename, delimiter, dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runChild } from './child.mjs';
import { ensureInstalled } from './install.mjs';
import { ensureWebApp } from './web.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const node = join(modules, 'node/bin/node');

/** The program to spawn with its arguments, and whether it is ours. */
function commandFor(target, args) {
  if (isFile(target)) return { program: node, words: [resolve(root, target), ...args], ours: true };
  const link = join(modules, '.bin', target);
  if (!existsSync(link)) throw new Error(`There is no file and no tool named ${target}.`);
  const tool = realpathSync(link);
  return isScript(tool) ? { program: node, words: [tool, ...args] } : { program: tool, words: args };
}

function isFile(target) {
  return ['.ts', '.mts', '.js', '.mjs'].includes(extname(target));
}

// Most tools are scripts for node, some with no ending; the others are programs, or scripts for another interpreter.
function isScript(tool) {
  if (['.js', '.mjs', '.cjs'].includes(extname(tool))) return true;
  const file = openSync(tool);
  try {
    const start = Buffer.alloc(64);
    readSync(file, start);
    return /^#!.*\bnode\b/.test(start.toString('latin1'));
  } finally {
    closeSync(file);
  }
}

function leaveLike({ code, signal }) {
  if (signal === null) process.exit(code);
  // Whoever waits for us shall see how it ended, as if we had not been in between.
  if (['SIGINT', 'SIGTERM', 'SIGHUP'].includes(signal)) process.kill(process.pid, signal);
  process.exitCode = 128 + constants.signals[signal];
}

async function main(words) {
  const withWeb = words[0] === '--web';
  const [target, ...args] = withWeb ? words.slice(1) : words;
  if (!target) throw new Error('Usage: node scripts/run.mjs [--web] <file.ts | tool> [arguments…]');
  const installing = await ensureInstalled(root, isFile(target) ? undefined : basename(target));
  if (installing && (installing.code !== 0 || installing.signal)) return installing;
  // Whoever says where the app is, or that there is none, needs none built.
  const needsWeb = withWeb && process.env.WEB_DIR === undefined;
  const building = needsWeb ? await ensureWebApp(root, node) : undefined;
  if (building && (building.code !== 0 || building.signal)) return building;
  const { program, words: command, ours = false } = commandFor(target, args);
  const { TUTTI_PARENT_PIPE: _, ...inherited } = process.env;
  const env = {
    ...inherited,
    ...(needsWeb && { WEB_DIR: join(root, 'web/dist') }),
    PATH: [join(modules, '.bin'), process.env.PATH].filter(Boolean).join(delimiter),
  };
  return runChild(program, command, { env, parentPipe: ours });
}

try {
  leaveLike(await main(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
