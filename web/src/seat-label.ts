import type { Messages } from './messages/index.ts';

/** A seat as it stands on the ticket, in the fan's language: the season's labels are in English. */
export function seatLabel(label: string, t: Messages): string {
  const [, section, row, seat] = /^(.+) · row (\S+) · seat (\S+)$/.exec(label) ?? [];
  return section && row && seat ? t.seat(t.section(section), row, seat) : label;
}
