// One PostgreSQL process tree on one data directory: recognising it, starting it so that it leaves with us, ending it.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';
import { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { type ServerUser, spawnAs } from './server-user.ts';

/** A server found running; what its postmaster.pid says about it. */
export interface Running {
  pid: number;
  socketDir: string;
  port: number;
}

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A PostgreSQL program, which is the child itself, and the guard beside it. */
export interface Guarded {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<Ending>;
}

/** Polls, because what other processes do announces itself to nobody. False when time is up. */
export async function until(condition: () => boolean, seconds: number): Promise<boolean> {
  const deadline = Date.now() + seconds * 1000;
  while (!condition()) {
    if (Date.now() >= deadline) return false;
    await delay(25);
  }
  return true;
}

/**
 * The postmaster of this cluster, if there is one. The pid in postmaster.pid may belong to anybody by now: it is
 * believed only when that process is a PostgreSQL on this data directory.
 */
export function runningOn(cluster: string): Running | undefined {
  const lines = readPidFile(cluster);
  const pid = Number(lines?.[0]);
  if (!lines || !Number.isInteger(pid) || pid <= 1 || !isServer(pid, cluster)) return undefined;
  return { pid, port: Number(lines[3]), socketDir: lines[4] ?? '' };
}

/** True when the postmaster with this pid accepts connections. */
export function isReady(cluster: string, pid: number): boolean {
  const lines = readPidFile(cluster);
  return Number(lines?.[0]) === pid && lines?.[7]?.trim() === 'ready';
}

/**
 * Removes what a server that is gone left behind. PostgreSQL itself refuses to start for as long as any process has
 * the pid in the file, and while a backend that outlived its postmaster still works.
 */
export async function clearRemains(cluster: string): Promise<void> {
  await endProcesses(cluster);
  fs.rmSync(join(cluster, 'postmaster.pid'), { force: true });
}

/**
 * Ends every PostgreSQL process on this folder and returns when they are gone. SIGINT is the fast, orderly way:
 * PostgreSQL ends its connections, writes a checkpoint and leaves. The others lose nothing that was committed.
 */
export async function endProcesses(folder: string, postmaster?: number, patienceSeconds = 30): Promise<void> {
  const all = () => processesOn(folder);
  const rounds: [NodeJS.Signals, () => number[], number][] = [
    ['SIGINT', () => (postmaster === undefined ? [] : [postmaster]), patienceSeconds],
    ['SIGQUIT', all, 10],
    ['SIGKILL', all, 10],
  ];
  for (const [signal, targets, seconds] of rounds) {
    const pids = targets();
    for (const pid of pids) signalProcess(pid, signal);
    const patience = pids.length > 0 ? seconds : 0;
    if (await until(() => all().length === 0, patience)) return;
  }
  throw new Error(`The PostgreSQL processes ${all().join(', ')} on ${folder} could not be ended.`);
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It left by itself, or is not ours to end: then it shows in that it stays.
  }
}

/** The pids of the PostgreSQL processes that work on this folder, initdb included. */
export function processesOn(folder: string): number[] {
  // An empty word is in every command line: "on no folder" must never come to mean "on any".
  if (!isAbsolute(folder)) throw new TypeError(`"${folder}" is no absolute path`);
  if (process.platform !== 'linux') return listedProcessesOn(folder);
  const pids = fs.readdirSync('/proc').map(Number);
  return pids.filter((pid) => Number.isInteger(pid) && isServer(pid, folder));
}

function isServer(pid: number, folder: string): boolean {
  if (process.platform !== 'linux') return listedProcessesOn(folder).includes(pid);
  try {
    const argv = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    // Backends call themselves "postgres: checkpointer".
    const name = basename(argv[0]?.split(':')[0] ?? '');
    if (name !== 'postgres' && name !== 'initdb') return false;
    // Root inside a container may not be allowed to see the folder of another user's process, but always its words.
    const named = argv.indexOf('-D') + 1;
    return (named > 0 && argv[named] === folder) || fs.readlinkSync(`/proc/${pid}/cwd`) === folder;
  } catch {
    return false;
  }
}

function listedProcessesOn(folder: string): number[] {
  const list = execFileSync('ps', ['-axo', 'pid=,command='], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return list
    .split('\n')
    .filter((line) => /^\s*\d+ \S*\b(postgres|initdb) /.test(line) && `${line} `.includes(` -D ${folder} `))
    .map((line) => Number.parseInt(line, 10));
}

function readPidFile(cluster: string): string[] | undefined {
  try {
    return fs.readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return undefined;
  }
}

// The guard is a shell that waits (no polling) at a pipe whose other end only this process holds: the kernel closes it
// however we end. The first line is the pid to guard; a second one says that it ended first, and the pid may be anybody's.
const guardScript = `
trap '' HUP INT TERM
read -r target <&3 || exit 0
read -r ended <&3 && exit 0
`;
const endInitdb = 'kill -KILL "-$target"';
// Ten seconds are long enough for a pid to become somebody else's, so it is compared with postmaster.pid.
const endPostgres = `
kill -INT "$target"
looks=0
while read -r pid <"$1/postmaster.pid" && [ "$pid" = "$target" ]; do
  if [ "$looks" = 50 ]; then kill -QUIT "$target"; break; fi
  sleep 0.2 || sleep 1
  looks=$((looks + 1))
done
rmdir "$2"`;

interface GuardedOptions {
  readonly folder: string;
  readonly socketDir?: string;
  readonly user: ServerUser;
  /** File descriptor for everything the program says. */
  readonly output: number;
}

/** Starts a PostgreSQL program that leaves when this process does, even by SIGKILL. */
export async function startGuarded(
  program: string,
  args: string[],
  options: GuardedOptions,
): Promise<Guarded> {
  const { folder, socketDir = '', user, output } = options;
  // Sessions of their own: Ctrl-C in a terminal must reach us only, because the services end before their database.
  const apart = { ...spawnAs(user), detached: true };
  const script = guardScript + (basename(program) === 'initdb' ? endInitdb : endPostgres);
  const guard = spawn('/bin/sh', ['-c', script, 'tutti-guard', folder, socketDir], {
    ...apart,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const guardGone = gone(guard);
  const pipe = guard.stdio[3];
  if (!(pipe instanceof Writable)) throw new TypeError('a pipe was asked for');
  // The guard may be killed; then nobody reads.
  pipe.on('error', () => undefined);
  const child = spawn(program, args, { ...apart, stdio: ['ignore', output, output] });
  pipe.write(`${child.pid ?? ''}\n`);
  const ended = gone(child).then(async (ending) => {
    pipe.end('ended\n');
    await Promise.race([guardGone, delay(2000, undefined, { ref: false })]);
    return ending;
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  return { child, pid: child.pid ?? 0, ended };
}

function gone(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
}

export function hasEnded({ child }: Guarded): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** True when the child has ended within the time. */
export async function endsWithin(guarded: Guarded, seconds: number): Promise<boolean> {
  const timer = new AbortController();
  const late = delay(seconds * 1000, false, { signal: timer.signal }).catch(() => false);
  const inTime = await Promise.race([guarded.ended.then(() => true), late]);
  timer.abort();
  return inTime;
}

/**
 * Why a program failed, from its log from this byte on: what the system refused it, else its last error, without the
 * prefix of the line; empty when there is neither. A refusal of the system is followed by errors that only result from it.
 */
export function lastError(logFile: string, fromByte: number): string {
  const lines = fs.readFileSync(logFile).subarray(fromByte).toString().trim().split('\n');
  const refused = lines.findLast((line) => systemRefusals.test(line));
  const error = refused ?? lines.findLast((line) => /\b(FATAL|PANIC|error): /.test(line)) ?? '';
  return error.replace(/^.*?\b(FATAL|PANIC|ERROR|error): +/, '');
}

const systemRefusals = /\b(FATAL|PANIC|ERROR|error): .*(No space left on device|Read-only file system)/;
