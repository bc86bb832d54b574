// A child that gets the signals we get, and leaves when we or npm above us are gone, even by kill -9.

import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

const isLinux = process.platform === 'linux';
const inherited = ['inherit', 'inherit', 'inherit'];

/**
 * Runs a program to its end and tells its exit code or signal. With `parentPipe` the child gets the read end of a pipe
 * as descriptor 3, named by TUTTI_PARENT_PIPE: its end says that this process is gone (kit/src/service/parent.ts).
 * `spawned` is told the pid.
 */
export function runChild(program, args, options) {
  const { env, parentPipe = false, stdio = inherited, spawned = () => undefined } = options;
  return new Promise((done, fail) => {
    const child = spawn(program, args, {
      env: parentPipe ? { ...env, TUTTI_PARENT_PIPE: '3' } : env,
      stdio: parentPipe ? [...stdio, 'pipe'] : stdio,
    });
    if (child.pid !== undefined) spawned(child.pid);
    child.stdio[3]?.on('error', () => undefined);
    const stopForwarding = forwardSignals(child);
    const stopWatching = whenNpmLeaves(() => endChild(child));
    const settle = (report) => {
      stopForwarding();
      stopWatching();
      report();
    };
    child.once('error', (error) =>
      settle(() => fail(new Error(`${program} cannot be run: ${error.message}`))),
    );
    child.once('exit', (code, signal) => settle(() => done({ code, signal })));
  });
}

function endChild(child) {
  child.kill('SIGTERM');
  setTimeout(() => child.kill('SIGKILL'), 15_000).unref();
}

/**
 * One Ctrl-C may arrive here twice: from the terminal, which sends it to the whole group, and from npm, which forwards.
 * The child shall see it once, because many programs take a second one for impatience and leave untidily.
 */
function forwardSignals(child) {
  const sentAt = new Map();
  let patience;
  const forward = (signal) => {
    if (signal === 'SIGINT' && terminalSignalsUs()) {
      // The child has it from there. If not (somebody sent it to us alone), it gets the other signal to stop.
      patience ??= setTimeout(() => child.kill('SIGTERM'), 5000).unref();
      return;
    }
    if (Date.now() - (sentAt.get(signal) ?? 0) < 1000) return;
    sentAt.set(signal, Date.now());
    child.kill(signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, forward);
  return () => {
    clearTimeout(patience);
    for (const signal of signals) process.off(signal, forward);
  };
}

/** True when a terminal has our process group in its foreground: then Ctrl-C reaches every process of it. */
function terminalSignalsUs() {
  try {
    if (!isLinux) {
      const groups = execFileSync('ps', ['-o', 'pgid=,tpgid=', '-p', `${process.pid}`], { encoding: 'utf8' });
      const [group, foreground] = groups.trim().split(/\s+/);
      return group === foreground;
    }
    const [, , group, , terminal, foreground] = statOf(process.pid);
    return terminal !== '0' && group === foreground;
  } catch {
    return false;
  }
}

/** Calls back once when npm, which started us through at most some shells, is gone. */
function whenNpmLeaves(callback) {
  if (!process.env.npm_lifecycle_event) return () => undefined;
  const links = linksToNpm();
  // Nobody is told of the end of a parent, so this looks; on Linux that costs two small reads.
  const timer = setInterval(() => {
    if (links.every(([pid, parent]) => parentOf(pid) === parent)) return;
    clearInterval(timer);
    callback();
  }, 250).unref();
  return () => clearInterval(timer);
}

function linksToNpm() {
  const links = [[process.pid, process.ppid]];
  for (let shell = process.ppid; shell > 1 && isShellCommand(shell); shell = parentOf(shell)) {
    links.push([shell, parentOf(shell)]);
  }
  return links;
}

function isShellCommand(pid) {
  const [program = '', option] = commandOf(pid);
  return /^-?(sh|dash|bash|ash|busybox|zsh)$/.test(basename(program)) && option === '-c';
}

function commandOf(pid) {
  try {
    if (isLinux) return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return execFileSync('ps', ['-o', 'command=', '-p', `${pid}`], { encoding: 'utf8' }).split(' ');
  } catch {
    return [];
  }
}

/** Undefined when there is no such process any more. */
function parentOf(pid) {
  if (pid === process.pid) return process.ppid;
  try {
    if (isLinux) return Number(statOf(pid)[1]);
    return Number(execFileSync('ps', ['-o', 'ppid=', '-p', `${pid}`], { encoding: 'utf8' }));
  } catch {
    return undefined;
  }
}

/** The fields of /proc/PID/stat from the state on; the name before it may hold anything. */
function statOf(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** Tells a process from a later one with the same pid; undefined when there is none. */
export function birthOf(pid) {
  try {
    if (isLinux) return statOf(pid)[19];
    return execFileSync('ps', ['-o', 'lstart=', '-p', `${pid}`], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}
