import type { Report, Result } from './audit.ts';
import type { Violation } from './invariant.ts';

const words = { ok: 'ok', broken: 'BROKEN', skipped: 'skipped' } as const;
const indent = ' '.repeat(13);

/** A line for the invariant, and under it a sentence for each kind of damage with the rows that show it. */
export function sayResult({ number, status, title, reason, violations }: Result): string {
  const head = `${String(number).padStart(2)}  ${words[status].padEnd(9)}${title}${reason === undefined ? '' : ` (${reason})`}`;
  return [head, ...violations.flatMap(sayViolation)].map((line) => `${line}\n`).join('');
}

function sayViolation({ what, count, rows }: Violation): string[] {
  const rest = count - rows.length;
  return [
    `${indent}${what}${count > 1 ? `, ${count} times` : ''}:`,
    ...rows.map((row) => `${indent}  ${row}`),
    ...(rest > 0 ? [`${indent}  and ${rest} more`] : []),
  ];
}

export function saySummary({ ok, drained, results, ms }: Report): string {
  const numbers = (status: Result['status']) => [
    ...new Set(results.filter((result) => result.status === status).map(({ number }) => number)),
  ];
  const [broken, skipped] = [numbers('broken'), numbers('skipped')];
  const seconds = (ms / 1_000).toFixed(1);
  const left = skipped.length > 0 ? `; not or not fully checked: ${skipped.join(', ')}` : '';
  if (ok) return `Everything that was checked holds${left} (${seconds} s).\n`;
  if (broken.length > 0) return `Broken: ${broken.join(', ')}${left} (${seconds} s).\n`;
  const why = drained ? '' : ' Let the system run until nothing is under way, or give --wait SECONDS.';
  return `What was checked holds${left} (${seconds} s).${why}\n`;
}
