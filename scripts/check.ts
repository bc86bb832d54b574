import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');

/** Where protos are, and beside them the stubs that buf makes of them. */
const protos = [
  { folder: 'contracts', stubs: 'src/generated' },
  { folder: 'kit/src/rpc', stubs: 'generated' },
] as const;

type Step = readonly [what: string, run: () => boolean];

/** Everything CI asks for, cheapest first; stops at the first that fails. */
const steps: readonly Step[] = [
  ...protos.map(({ folder }): Step => [`protos: buf lint (${folder})`, () => run('buf', ['lint'], folder)]),
  ...protos.map(({ folder, stubs }): Step => [`stubs: ${folder}/${stubs}`, () => areFresh(folder, stubs)]),
  // Three worlds: what runs on Node, what runs in a browser, and tests that stand in one and look into the other.
  ...['.', 'web', 'web/test'].map((folder) => step('types', 'tsc', ['--noEmit', '-p', folder])),
  step('lint', 'oxlint', ['--type-aware', '--deny-warnings']),
  step('format', 'oxfmt', ['--check', '.']),
  step('tests', 'vitest', ['run', ...process.argv.slice(2)]),
];

function step(what: string, command: string, args: readonly string[]): Step {
  return [`${what}: ${command} ${args.join(' ')}`, () => run(command, args)];
}

function run(command: string, args: readonly string[], folder = '.'): boolean {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', cwd: path.join(root, folder) });
  if (error) process.stderr.write(`${command} could not be run: ${error.message}\n`);
  return status === 0;
}

/** Stubs are committed, so that nothing has to be built; whoever changes a proto commits both. */
function areFresh(folder: string, stubs: string): boolean {
  const fresh = mkdtempSync(path.join(tmpdir(), 'tutti-stubs-'));
  try {
    if (!run('buf', ['generate', '--output', fresh], folder)) return false;
    const made = contents(path.join(fresh, stubs));
    const committed = contents(path.join(root, folder, stubs));
    const names = [...new Set([...made.keys(), ...committed.keys()])];
    const stale = names.filter((name) => made.get(name) !== committed.get(name));
    if (stale.length > 0)
      process.stderr.write(`Not what the protos say; run "buf generate" in ${folder}: ${stale.join(', ')}\n`);
    return stale.length === 0;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

const contents = (folder: string): ReadonlyMap<string, string> =>
  new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .map((file) => [path.relative(folder, file), readFileSync(file, 'utf8')]),
  );

for (const [what, isPassed] of steps) {
  process.stdout.write(`── ${what}\n`);
  if (isPassed()) continue;
  process.exitCode = 1;
  break;
}
