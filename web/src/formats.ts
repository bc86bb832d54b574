import type { Language } from './messages/index.ts';

/** Concerts happen where the halls are: every time is shown by their clock, wherever the fan is. */
const timeZone = 'Asia/Seoul';

export type Formats = {
  /** Sat, 16 October 2027 */
  readonly date: (iso: string) => string;
  /** 16 Oct 2027 */
  readonly shortDate: (iso: string) => string;
  readonly time: (iso: string) => string;
  readonly dateTime: (iso: string) => string;
  /** For lists: 16 Oct 2027, 18:00 */
  readonly stamp: (iso: string) => string;
  readonly seconds: (iso: string) => string;
  /** The parts of a calendar leaf. */
  readonly leaf: (iso: string) => { day: string; weekday: string; month: string };
};

export function formatsOf(language: Language): Formats {
  const tag = language === 'ko' ? 'ko-KR' : 'en-GB';
  const by = (options: Intl.DateTimeFormatOptions): ((iso: string) => string) => {
    const format = new Intl.DateTimeFormat(tag, { timeZone, ...options });
    return (iso) => format.format(new Date(iso));
  };
  // Not `hour12: false`: with that, midnight was 24:00 to Korean browsers for years.
  const clock = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  const day = { day: 'numeric', month: 'long', year: 'numeric' } as const;
  const numeral = new Intl.DateTimeFormat('en', { timeZone, day: 'numeric' });
  const weekday = by({ weekday: 'short' });
  const month = by({ month: 'short', year: 'numeric' });
  return {
    date: by({ weekday: 'short', ...day }),
    shortDate: by({ day: 'numeric', month: 'short', year: 'numeric' }),
    time: by(clock),
    dateTime: by({ weekday: 'short', ...day, ...clock }),
    stamp: by({ day: 'numeric', month: 'short', year: 'numeric', ...clock }),
    seconds: by({ ...clock, second: '2-digit' }),
    leaf: (iso) => ({ day: numeral.format(new Date(iso)), weekday: weekday(iso), month: month(iso) }),
  };
}

/** 4:05, or 1:04:05 when it is hours. */
export function clockOf(ms: number): string {
  // Rounded down: the server is a part of a second further than a Date header says.
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const two = (n: number) => String(n).padStart(2, '0');
  const [hours, minutes, rest] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
