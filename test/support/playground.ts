import { until } from '@tutti/kit/testing';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { killAll, processesOn } from './processes.ts';

/** A folder for the data directories of a test file; whatever runs on one of them belongs to it. */
export class Playground {
  readonly folder: string;
  readonly #mounts: string[] = [];

  constructor(name: string) {
    this.folder = mkdtempSync(path.join(tmpdir(), `tutti-${name}-`));
    // PostgreSQL runs as another user where the tests run as root; that user has to be able to enter.
    chmodSync(this.folder, 0o755);
  }

  /** A new, empty data directory. */
  unused(): string {
    const folder = mkdtempSync(path.join(this.folder, 'data-'));
    chmodSync(folder, 0o755);
    return folder;
  }

  /** Gives a folder a file system of its own; where this user may not, the test is skipped. */
  mount(skip: (why: string) => void, folder: string, words: readonly string[]): void {
    try {
      execFileSync('mount', [...words, folder], { stdio: 'ignore' });
      this.#mounts.push(folder);
    } catch {
      skip('only root may mount, and not in every container');
    }
  }

  /** Ends what a test left when it failed. */
  async clear(): Promise<void> {
    killAll(processesOn(this.folder).map(({ pid }) => pid));
    await until('nothing is left', () => processesOn(this.folder).length === 0);
  }

  remove(): void {
    for (const folder of this.#mounts.splice(0)) execFileSync('umount', [folder]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
