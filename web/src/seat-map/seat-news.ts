import { useEffect, useRef } from 'react';
import { useAnnounce } from '../announcer.tsx';
import type { Chosen } from './chosen-seats.ts';
import type { Geometry } from './geometry.ts';
import type { Messages } from './messages.ts';

type Count = { readonly count: number; readonly most: number };

/** What there is to say about the fan's seats after a change; nothing about the seats of others. */
export function newsOf(
  before: Chosen,
  now: Chosen,
  nameOf: (seat: number) => string,
  messages: Messages,
  { count, most }: Count,
): string[] {
  const had = [...before.kept, ...before.lost];
  const has = [...now.kept, ...now.lost];
  return [
    ...now.lost.filter((seat) => !before.lost.includes(seat)).map((seat) => messages.seatLost(nameOf(seat))),
    ...now.kept.filter((seat) => before.lost.includes(seat)).map((seat) => messages.seatBack(nameOf(seat))),
    ...now.kept
      .filter((seat) => !had.includes(seat))
      .map((seat) => messages.seatChosen(nameOf(seat), count, most)),
    // That a lost one is put away is no news.
    ...before.kept
      .filter((seat) => !has.includes(seat))
      .map((seat) => messages.seatGivenUp(nameOf(seat), count, most)),
  ];
}

/** Says it to those who do not see it. */
export function useSeatNews(geometry: Geometry, chosen: Chosen, messages: Messages, most: number): void {
  const announce = useAnnounce();
  const before = useRef(chosen);
  useEffect(() => {
    const count = chosen.kept.length;
    const nameOf = (seat: number): string => seatName(geometry, messages, seat);
    const news = newsOf(before.current, chosen, nameOf, messages, { count, most });
    before.current = chosen;
    if (news.length > 0) announce(news.join(' '));
  }, [geometry, chosen, messages, most, announce]);
}

export function seatName(geometry: Geometry, messages: Messages, seat: number): string {
  const section = geometry.sections[geometry.sectionOf[seat] ?? 0];
  const one = geometry.seats[seat];
  if (!section || !one) return '';
  return `${messages.section(section.name)} · ${messages.row(one.row)} · ${messages.seat(one.number)}`;
}
