import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { root } from '../server-process.ts';

const run = promisify(execFile);
const installMsMax = 300_000;

/** Where a peer has its packages; they are the benchmark's alone and no workspace of the product. */
export const peerFolder = (peer: string): string => path.join(root, 'bench/peers', peer);

/** Installs a peer's packages as its lock file names them, unless they are there. Throws a sentence when it cannot. */
export async function ensurePeerInstalled(peer: string, say: (sentence: string) => void): Promise<void> {
  const folder = peerFolder(peer);
  const lock = await readFile(path.join(folder, 'package-lock.json'));
  const wanted = createHash('sha256').update(lock).digest('hex');
  const stamp = path.join(folder, 'node_modules/.bench-installed');
  if ((await readFile(stamp, 'utf8').catch(() => '')) === wanted) return;
  say(`installing the packages of ${peer}`);
  try {
    // None of them needs an install script to run.
    await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: folder,
      timeout: installMsMax,
    });
  } catch (error) {
    throw new Error(`its packages could not be installed: ${lastLine(error)}`, { cause: error });
  }
  await writeFile(stamp, wanted);
}

/** Version of a package as it is installed for a peer. */
export async function installedVersion(peer: string, name: string): Promise<string> {
  const file = path.join(peerFolder(peer), 'node_modules', name, 'package.json');
  const manifest: unknown = JSON.parse(await readFile(file, 'utf8'));
  const version =
    typeof manifest === 'object' && manifest && 'version' in manifest ? String(manifest.version) : '';
  return `${name} ${version}`;
}

function lastLine(error: unknown): string {
  const text = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
  return text.trim().split('\n').at(-1) ?? '';
}
