import { spawnSync } from 'node:child_process';

/** Everything CI asks for, cheapest first; stops at the first that fails. */
const steps: readonly (readonly [what: string, command: string, args: readonly string[]])[] = [
  ['types', 'tsc', ['--noEmit', '-p', '.']],
  ['lint', 'oxlint', ['--type-aware', '--deny-warnings']],
  ['format', 'oxfmt', ['--check', '.']],
  ['tests', 'vitest', ['run', ...process.argv.slice(2)]],
];

for (const [what, command, args] of steps) {
  process.stdout.write(`── ${what}: ${command} ${args.join(' ')}\n`);
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (error) process.stderr.write(`${command} could not be run: ${error.message}\n`);
  if (status !== 0) process.exit(status ?? 1);
}
