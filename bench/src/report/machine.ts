import { Database } from '@tutti/kit/postgres';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem, tmpdir, type } from 'node:os';
import { root } from '../server-process.ts';
import type { RunningSystem } from '../system.ts';

/** What a reader needs to judge the figures; nothing that names this machine. */
export function describeMachine(): string[] {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  return [
    `${availableParallelism()} cores, ${model}`,
    `${Math.round(totalmem() / 2 ** 30)} GiB of memory`,
    `${distribution()}, ${type()} ${release()}`,
    `${fileSystem()}, one disk for every system's data`,
  ];
}

function distribution(): string {
  if (!existsSync('/etc/os-release')) return 'unknown distribution';
  return /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'unknown distribution';
}

function fileSystem(): string {
  try {
    const kind = execFileSync('stat', ['-f', '-c', '%T', tmpdir()], { encoding: 'utf8' }).trim();
    return `file system ${kind}`;
  } catch {
    return 'unknown file system';
  }
}

/** The commit that is measured, and whether the tree differs from it. */
export function describeCommit(): string {
  try {
    const git = (args: readonly string[]) =>
      execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
    const changed = git([
      'status',
      '--porcelain',
      '--untracked-files=no',
      '--',
      'kit',
      'contracts',
      'services',
      'standalone',
    ]);
    return `commit ${git(['rev-parse', '--short=10', 'HEAD'])}${changed === '' ? '' : ' with changes'}`;
  } catch {
    return 'outside of a repository';
  }
}

/** The server's version and the settings that make its answers durable, as the running one says them. */
export async function describePostgres(system: RunningSystem): Promise<string> {
  const database = new Database(system.admin, { connectionsMax: 1 });
  try {
    const settings = ['fsync', 'synchronous_commit', 'full_page_writes'];
    const rows = await database.query<{ name: string; setting: string }>(
      'select name, setting from pg_settings where name = any($1::text[]) order by name',
      [['server_version', 'shared_buffers', ...settings]],
    );
    const of = (name: string) => rows.find((row) => row.name === name)?.setting ?? '?';
    return `PostgreSQL ${of('server_version')} (${settings.map((name) => `${name} ${of(name)}`).join(', ')})`;
  } finally {
    await database.close();
  }
}
