import { useDeferredValue, useState } from 'react';
import { useAnnounce } from '../announcer.tsx';
import { statesFor, useChosenSeats } from './chosen-seats.ts';
import type { Geometry, Row, Section } from './geometry.ts';
import { geometryFor } from './known-geometry.ts';
import { messagesIn, type Messages } from './messages.ts';
import { offeredRows, offeredSeats, offeredSections, type OfferedSection, type Wish } from './offered.ts';
import { moveInList, stopAttribute } from './roving.ts';
import { listId } from './list-id.ts';
import './seat-map.css';
import { SeatMark } from './seat-mark.tsx';
import { seatName, useSeatNews } from './seat-news.ts';
import { isFree, seatStates } from './seat-state.ts';
import type { SeatMapProps } from './types.ts';

/** Section, row, seat: everything that the map can do, for keyboards and screen readers, and for whoever likes lists. */
export function SeatList(props: SeatMapProps) {
  const { layout, language, maxSelected, selected, onToggle } = props;
  const messages = messagesIn(language);
  const announce = useAnnounce();
  const geometry = geometryFor(layout);
  const chosen = useChosenSeats(geometry, props);
  useSeatNews(geometry, chosen, messages, maxSelected);
  const [isAll, setAll] = useState(false);
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  const [stop, setStop] = useState('');
  const states = useDeferredValue(statesFor(geometry, props.availability));
  const focused = /^seat-(\d+)$/.exec(stop)?.[1];
  const kept = new Set([...chosen.kept, ...chosen.lost, ...(focused === undefined ? [] : [Number(focused)])]);
  const wish: Wish = { states, kept, isAll };
  const sections = offeredSections(geometry, wish);
  const first = sections[0] ? `section-${sections[0].index}` : '';
  const choose = (seat: number): void => {
    const id = geometry.seats[seat]?.seatId;
    if (id === undefined) return;
    const isChosen = selected.includes(id);
    if (!isChosen && !isFree(states?.[seat])) return;
    if (!isChosen && selected.length >= maxSelected) announce(messages.mostChosen(maxSelected));
    else onToggle(id);
  };
  const turn = (name: string): void =>
    setOpened((before) =>
      before.has(name) ? new Set([...before].filter((one) => one !== name)) : new Set([...before, name]),
    );
  const list: ListParts = {
    geometry,
    messages,
    wish,
    chosen: new Set(chosen.kept),
    lost: new Set(chosen.lost),
    opened,
    stop: isShown(stop, geometry, sections, opened) ? stop : first,
    setStop,
    turn,
    choose,
  };

  return (
    <section id={listId} className="seat-list" aria-label={messages.list} tabIndex={-1}>
      <label className="seat-list-options">
        <input type="checkbox" checked={isAll} onChange={(event) => setAll(event.target.checked)} />
        {messages.showTaken}
      </label>
      {states && sections.length === 0 ? <p>{messages.nothingLeft}</p> : null}
      {states ? (
        <ul className="seat-list-sections" onKeyDown={moveInList}>
          {sections.map((offered) => (
            <SectionItem key={offered.index} offered={offered} list={list} />
          ))}
        </ul>
      ) : (
        <p>{messages.loading}</p>
      )}
    </section>
  );
}

type ListParts = {
  readonly geometry: Geometry;
  readonly messages: Messages;
  readonly wish: Wish;
  readonly chosen: ReadonlySet<number>;
  readonly lost: ReadonlySet<number>;
  readonly opened: ReadonlySet<string>;
  /** The one button that Tab stops at. */
  readonly stop: string;
  readonly setStop: (name: string) => void;
  readonly turn: (name: string) => void;
  readonly choose: (seat: number) => void;
};

/** A stop that a closed section hides, or that went away, cannot be the way in. */
function isShown(
  stop: string,
  geometry: Geometry,
  sections: readonly OfferedSection[],
  opened: ReadonlySet<string>,
): boolean {
  const [kind, place] = stop.split('-');
  // A row is called by its first seat.
  const seat = Number(place);
  const section = kind === 'section' ? seat : geometry.sectionOf[seat];
  if (section === undefined || !sections.some(({ index }) => index === section)) return false;
  if (kind === 'section') return true;
  if (!opened.has(`section-${section}`)) return false;
  if (kind === 'row') return true;
  const row = geometry.sections[section]?.rows.find((one) => seat >= one.first && seat < one.end);
  return row !== undefined && opened.has(`row-${row.first}`);
}

const stopProps = (name: string, { stop, setStop }: ListParts) => ({
  [stopAttribute]: name,
  tabIndex: stop === name ? 0 : -1,
  onFocus: () => setStop(name),
});

const Arrow = () => (
  <svg className="seat-list-arrow" viewBox="0 0 12 12" aria-hidden="true">
    <path d="M4 2l4 4-4 4" />
  </svg>
);

function SectionItem({ offered, list }: { readonly offered: OfferedSection; readonly list: ListParts }) {
  const { section, index, free } = offered;
  const { geometry, messages } = list;
  const name = `section-${index}`;
  const isOpen = list.opened.has(name);
  const grade = geometry.grades[section.grade]?.name ?? '';
  return (
    <li>
      <button
        type="button"
        className="seat-list-section"
        aria-expanded={isOpen}
        onClick={() => list.turn(name)}
        {...stopProps(name, list)}
      >
        <Arrow />
        <b>{messages.section(section.name)}</b>{' '}
        <span className="seat-mark-line">
          <SeatMark look="free" grade={section.grade} />
          {`${grade} ${messages.price(section.price)}`}
        </span>{' '}
        <span className="seat-list-count">{free === 0 ? messages.soldOut : messages.left(free)}</span>
      </button>
      {isOpen ? (
        <ul aria-label={messages.section(section.name)}>
          {offeredRows(section, list.wish).map(({ row, free: freeInRow }) => (
            <RowItem key={row.first} row={row} free={freeInRow} section={section} list={list} />
          ))}
        </ul>
      ) : null}
    </li>
  );
}

type RowProps = {
  readonly row: Row;
  readonly free: number;
  readonly section: Section;
  readonly list: ListParts;
};

function RowItem({ row, free, section, list }: RowProps) {
  const { messages } = list;
  const name = `row-${row.first}`;
  const isOpen = list.opened.has(name);
  return (
    <li>
      <button
        type="button"
        className="seat-list-row"
        aria-expanded={isOpen}
        onClick={() => list.turn(name)}
        {...stopProps(name, list)}
      >
        <Arrow />
        <span>{messages.row(row.label)}</span>{' '}
        <span className="seat-list-count">{free === 0 ? messages.soldOut : messages.left(free)}</span>
      </button>
      {isOpen ? (
        <ul
          className="seat-list-seats"
          aria-label={`${messages.section(section.name)} · ${messages.row(row.label)}`}
        >
          {offeredSeats(row, list.wish).map((seat) => (
            <SeatItem key={seat} seat={seat} section={section} list={list} />
          ))}
        </ul>
      ) : null}
    </li>
  );
}

type SeatProps = { readonly seat: number; readonly section: Section; readonly list: ListParts };

function SeatItem({ seat, section, list }: SeatProps) {
  const { geometry, messages, wish } = list;
  const isChosen = list.chosen.has(seat);
  const isLost = list.lost.has(seat);
  const state = seatStates[wish.states?.[seat] ?? 3] ?? 'not_for_sale';
  const grade = geometry.grades[section.grade]?.name ?? '';
  const said = isLost ? messages.lost : messages.state[state];
  return (
    <li>
      <button
        type="button"
        className={isLost ? 'seat-list-seat is-lost' : 'seat-list-seat'}
        aria-pressed={isChosen || isLost}
        aria-disabled={!isChosen && !isLost && state !== 'available'}
        aria-label={`${seatName(geometry, messages, seat)}, ${grade} ${messages.price(section.price)}, ${said}`}
        onClick={() => list.choose(seat)}
        {...stopProps(`seat-${seat}`, list)}
      >
        {messages.seat(geometry.seats[seat]?.number ?? 0)}
      </button>
    </li>
  );
}
