import { readdirSync, readFileSync } from 'node:fs';

/** The fields of /proc/PID/stat from the state on; the name before it may hold anything. Undefined when it ended. */
function statOf(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/** These processes and all their descendants (Linux). */
export function processTrees(roots: readonly number[]): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = Number(statOf(Number(entry))?.[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const tree = [...roots];
  for (const one of tree) tree.push(...(children.get(one) ?? []));
  return [...new Set(tree)];
}

export function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

// USER_HZ, which Linux fixes for /proc at 100 on every architecture that Node runs on.
const ticksPerSecond = 100;

/**
 * Seconds of CPU that these processes have used, with those of their children that have ended: what a backend used before it
 * left is counted at its postmaster.
 */
export function cpuSecondsOf(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const stat = statOf(pid);
    // utime, stime, cutime, cstime: fields 14 to 17 of the manual, counted from 1 with the pid.
    for (const field of [11, 12, 13, 14]) ticks += Number(stat?.[field] ?? 0);
  }
  return ticks / ticksPerSecond;
}

/** Resident memory in MiB. */
export function residentMiB(pids: readonly number[]): number {
  let kib = 0;
  for (const pid of pids) {
    try {
      kib += Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
    } catch {
      // It ended meanwhile.
    }
  }
  return Math.round(kib / 1_024);
}

/** Bytes that these processes caused to be written to a disk. */
export function bytesWrittenBy(pids: readonly number[]): number {
  let bytes = 0;
  for (const pid of pids) {
    try {
      bytes += Number(/write_bytes: (\d+)/.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1] ?? 0);
    } catch {
      // It ended meanwhile, or belongs to somebody else.
    }
  }
  return bytes;
}

export function isAlive(pid: number): boolean {
  const state = statOf(pid)?.[0];
  return state !== undefined && state !== 'Z';
}
