import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process and all its descendants, as /proc tells (Linux). */
export function processTree(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = parentOf(Number(entry));
    if (parent === undefined) continue;
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const tree = [pid];
  for (const one of tree) tree.push(...(children.get(one) ?? []));
  return tree;
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything; the fields after it do not.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    // It ended meanwhile.
    return undefined;
  }
}

/** Those of a program below a process. */
export const processesNamed = (below: number, program: string): number[] =>
  processTree(below).filter(
    (pid) => ifReadable(() => readFileSync(`/proc/${pid}/comm`, 'utf8')).trim() === program,
  );

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** SIGKILL to each; those that ended meanwhile are left out. */
export function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Ended already.
    }
  }
}

/**
 * Everything that works on a data directory and what is below it: by its words, its environment or the folder it is in. A
 * process of this test is left out.
 */
export function processesOn(dataDir: string): { pid: number; command: string }[] {
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid);
  return pids.flatMap((pid) => {
    const command = ifReadable(() =>
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim(),
    );
    const environment = ifReadable(() => readFileSync(`/proc/${pid}/environ`, 'utf8'));
    const folder = ifReadable(() => readlinkSync(`/proc/${pid}/cwd`));
    const isOnIt = [command, environment, folder].some((text) => text.includes(dataDir));
    return isOnIt ? [{ pid: Number(pid), command }] : [];
  });
}

/** It may have ended meanwhile, or be somebody else's. */
function ifReadable(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
