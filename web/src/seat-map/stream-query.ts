import type { StreamStart } from '../api/wire.ts';
import type { Known } from './availability-change.ts';

/** What the stream is told when it is opened: what is known already, so that it begins with what was missed. */
export function streamQuery({ version, sequence }: Pick<Known, 'version' | 'sequence'>): string {
  const start = { sequence: String(sequence), version: String(version) } satisfies StreamStart;
  return new URLSearchParams(start).toString();
}
