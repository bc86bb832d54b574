import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { Writable } from 'node:stream';
import { promisify } from 'node:util';
import { ConfigurationError } from './config.ts';

const run = promisify(execFile);
const installMsMax = 300_000;
const installTriesMax = 5;
const stopMsMax = 10_000;

/** A server that npm does not bring, by its program and by the Debian package that has it. */
export type Program = { readonly program: string; readonly debianPackage: string };

let installing: Promise<unknown> = Promise.resolve();

/**
 * The path of a program; installs its Debian package when it is missing, if this is root or `CI=true` and `NO_INSTALL` is not
 * set, and says so before. Throws ConfigurationError with what to install.
 */
export async function ensureProgram(
  { program, debianPackage }: Program,
  say: (sentence: string) => void,
): Promise<string> {
  const found = await find(program);
  if (found) return found;
  const mayInstall = (process.getuid?.() === 0 || process.env['CI'] === 'true') && !process.env['NO_INSTALL'];
  const byHand = `Install it: apt-get install ${debianPackage}`;
  if (!mayInstall || !(await find('apt-get')))
    throw new ConfigurationError(`${program} is needed and is not installed. ${byHand}`);
  // One at a time: the package manager has one lock.
  const mine = installing.then(async () => {
    if (await find(program)) return;
    say(`${program} is missing; installing the Debian package ${debianPackage}.`);
    await install(debianPackage).catch((cause: unknown) => {
      throw new ConfigurationError(`${program} is needed and could not be installed. ${byHand}`, { cause });
    });
  });
  installing = mine.catch(() => {});
  await mine;
  const installed = await find(program);
  if (!installed) throw new ConfigurationError(`${debianPackage} was installed, but there is no ${program}.`);
  return installed;
}

async function install(debianPackage: string): Promise<void> {
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const lock = ['-o', 'DPkg::Lock::Timeout=120'];
  const call = (...words: string[]) => {
    const [program = '', ...args] = [...sudo, 'apt-get', ...lock, ...words];
    return run(program, args, { env, timeout: installMsMax });
  };
  // Lists that are there may do; a machine that never had any needs them first. Another process may hold the lock meanwhile.
  for (let attempt = 1; ; attempt++)
    try {
      await call('install', '-y', '--no-install-recommends', debianPackage);
      return;
    } catch (error) {
      if (attempt >= installTriesMax) throw error;
      await call('update').catch(() => {});
      await new Promise((later) => setTimeout(later, attempt * 1_000 * (0.5 + Math.random() / 2)));
    }
}

async function find(program: string): Promise<string | undefined> {
  const folders = [
    ...(process.env['PATH'] ?? '').split(path.delimiter),
    '/usr/sbin',
    '/sbin',
    '/usr/local/sbin',
  ];
  for (const folder of folders) {
    const file = path.join(folder, program);
    const isThere = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return file;
  }
  return undefined;
}

/** A server that this process started. */
export type RunningProgram = {
  readonly pid: number;
  /** Resolves when it has ended, for whatever reason. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; output: string }>;
  stop(signal?: NodeJS.Signals): Promise<void>;
};

const outputCharsMax = 8_000;

// A shell that waits (no polling) at a pipe whose other end only this process holds: the kernel closes it however we end. A
// second line says that the child ended first: its pid may be anybody's by then.
const guardScript = `
trap '' HUP INT TERM
read -r target <&3 || exit 0
read -r ended <&3 && exit 0
kill -KILL "$target"`;

/** Kills a child that knows nothing of us when this process is gone, even by SIGKILL. Call what it returns when it has ended. */
export function leaveWithUs(child: ChildProcess): () => void {
  const guard = spawn('/bin/sh', ['-c', guardScript, 'tutti-guard'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    detached: true,
  });
  const pipe = guard.stdio[3];
  // The guard may be killed; then nobody reads.
  pipe?.on('error', () => {});
  guard.on('error', () => {});
  guard.unref();
  if (!(pipe instanceof Writable)) throw new TypeError('a pipe was asked for');
  pipe.write(`${child.pid ?? ''}\n`);
  return () => pipe.end('ended\n');
}

/** Starts a server and keeps the end of what it says. It leaves when this process does, even by SIGKILL. */
export function startProgram(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: Readonly<Record<string, string>>; onOutput?: (text: string) => void } = {},
): RunningProgram {
  const child: ChildProcess = spawn(program, args, {
    ...(options.cwd && { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-outputCharsMax);
      options.onOutput?.(chunk.toString());
    });
  const kill = () => child.kill('SIGKILL');
  const release = leaveWithUs(child);
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null; output: string }>(
    (done) => {
      child.once('error', (error) => done({ code: null, signal: null, output: error.message }));
      child.once('close', (code, signal) => done({ code, signal, output }));
    },
  ).finally(release);
  return {
    pid: child.pid ?? 0,
    ended,
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal);
      const timer = setTimeout(kill, stopMsMax);
      await ended;
      clearTimeout(timer);
    },
  };
}

const tried = new Set<number>();
// Below those that systems give to outgoing connections: one of them could take a port before its server listens there.
const ports = { from: 20_000, to: 32_000 };
const portTriesMax = 200;

/**
 * A TCP port of 127.0.0.1 that is free now; never the same one twice in a process nor, on Linux, in two processes that run at
 * the same time: it stays free for a while before its server listens there.
 */
export async function freePort({ from, to } = ports): Promise<number> {
  for (let attempt = 0; attempt < portTriesMax; attempt++) {
    const port = from + Math.floor(Math.random() * (to - from));
    if (tried.has(port)) continue;
    tried.add(port);
    // In this order: to look at a port is to listen there for a moment, in the way of a server whose port it is.
    if ((await claim(port)) && (await isFree(port))) return port;
  }
  throw new Error('There is no free port.');
}

/**
 * Marks a port as this process's for as long as it lives; false when it is another's. The mark is a socket in Linux's abstract
 * namespace: whoever shares the ports shares it, and the kernel cleans up. Where there is none, nothing is marked.
 */
function claim(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer((visitor) => visitor.destroy()).unref();
    server.once('error', (error) => done(!('code' in error) || error.code !== 'EADDRINUSE'));
    server.listen(`\0tutti-port-${port}`, () => done(true));
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(false));
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
  });
}

/** Whether somebody listens on this port of 127.0.0.1. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host: '127.0.0.1', port });
    const end = (isOpen: boolean) => {
      socket.destroy();
      done(isOpen);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
