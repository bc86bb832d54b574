import { useEffect, useId, useRef, useState } from 'react';
import { useAnnounce } from '../announcer.tsx';
import { statesFor, useChosenSeats } from './chosen-seats.ts';
import type { Geometry } from './geometry.ts';
import { geometryFor } from './known-geometry.ts';
import { listId } from './list-id.ts';
import { Legend } from './legend.tsx';
import { messagesIn, type Messages } from './messages.ts';
import { SeatCanvas, type SeatCanvasEvents } from './seat-canvas.ts';
import { SeatMark } from './seat-mark.tsx';
import { seatStates } from './seat-state.ts';
import './seat-map.css';
import type { SeatMapProps } from './types.ts';
import type { Point } from './viewport.ts';

type Tip = { readonly seat: number; readonly at: Point };

/** The hall on a canvas. It shows nothing that the list does not say, and the list can do all that it can. */
export function SeatMap(props: SeatMapProps) {
  const { layout, availability, selected, onToggle, maxSelected, language } = props;
  const messages = messagesIn(language);
  const announce = useAnnounce();
  const geometry = geometryFor(layout);
  const [tip, setTip] = useState<Tip>();
  const [section, setSection] = useState<number>();
  const helpId = useId();
  const chosen = useChosenSeats(geometry, props);
  const choose = (seat: number): void => {
    const id = geometry.seats[seat]?.seatId;
    if (id === undefined) return;
    if (!selected.includes(id) && selected.length >= maxSelected) announce(messages.mostChosen(maxSelected));
    else onToggle(id);
  };
  const { canvas, view } = useSeatCanvas(geometry, messages, {
    chosen: choose,
    pointed: (seat, at) => setTip(seat === undefined ? undefined : { seat, at }),
    arrived: setSection,
  });
  const states = statesFor(geometry, availability);
  useEffect(() => {
    if (states) view.current?.setStates(states);
    // Another hall has another canvas, which knows nothing yet.
  }, [states, view, geometry]);
  useEffect(() => view.current?.setMarks(chosen.kept, chosen.lost), [chosen, view]);

  return (
    <div className="seat-map">
      <div className="seat-map-hall">
        <ToList text={messages.toList} onShowList={props.onShowList} />
        <canvas
          ref={canvas}
          className="seat-map-canvas"
          tabIndex={0}
          role="application"
          aria-label={messages.map}
          aria-describedby={helpId}
        />
        <p id={helpId} className="hidden">
          {messages.mapHelp}
        </p>
        {section !== undefined && availability?.freshness !== 'stale' ? (
          <Place geometry={geometry} section={section} states={states} messages={messages} />
        ) : null}
        {availability?.freshness === 'stale' ? <p className="seat-map-note">{messages.notLive}</p> : null}
        {availability ? null : <p className="seat-map-note">{messages.loading}</p>}
        {tip ? <SeatTip geometry={geometry} tip={tip} states={states} messages={messages} /> : null}
        <Zoom messages={messages} zoom={(direction) => view.current?.zoom(direction)} />
      </div>
      <Legend geometry={geometry} messages={messages} hasLost={chosen.lost.length > 0} />
    </div>
  );
}

type ToListProps = { readonly text: string; readonly onShowList: (() => void) | undefined };

/** Before the map, so that nobody has to find out that there is a list. */
function ToList({ text, onShowList }: ToListProps) {
  return onShowList ? (
    <button type="button" className="seat-map-to-list" onClick={onShowList}>
      {text}
    </button>
  ) : (
    <a className="seat-map-to-list" href={`#${listId}`}>
      {text}
    </a>
  );
}

/** A canvas for as long as the hall is the same; whoever listens may change with each rendering. */
function useSeatCanvas(geometry: Geometry, messages: Messages, events: SeatCanvasEvents) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const view = useRef<SeatCanvas>(null);
  const latest = useRef(events);
  const firstMessages = useRef(messages);
  useEffect(() => {
    latest.current = events;
  });
  useEffect(() => {
    if (!canvas.current) return undefined;
    const made = new SeatCanvas(canvas.current, geometry, firstMessages.current, {
      chosen: (seat) => latest.current.chosen(seat),
      pointed: (seat, at) => latest.current.pointed(seat, at),
      arrived: (section) => latest.current.arrived(section),
    });
    view.current = made;
    return () => {
      view.current = null;
      made.end();
    };
  }, [geometry]);
  useEffect(() => {
    firstMessages.current = messages;
    view.current?.setMessages(messages);
  }, [messages]);
  return { canvas, view };
}

type PartProps = {
  readonly geometry: Geometry;
  readonly states: Uint8Array | undefined;
  readonly messages: Messages;
};

/** Where one is, now that the names of the sections are out of sight. */
function Place({ geometry, section, states, messages }: PartProps & { readonly section: number }) {
  const one = geometry.sections[section];
  if (!one) return null;
  const free = states?.subarray(one.first, one.end).reduce((sum, state) => sum + Number(state === 0), 0) ?? 0;
  return (
    <p className="seat-map-place">
      <b>{messages.section(one.name)}</b>
      <span className="seat-mark-line">
        <SeatMark look="free" grade={one.grade} />
        {`${geometry.grades[one.grade]?.name ?? ''} ${messages.price(one.price)}`}
      </span>
      <span>{free === 0 ? messages.soldOut : messages.left(free)}</span>
    </p>
  );
}

function SeatTip({ geometry, tip, states, messages }: PartProps & { readonly tip: Tip }) {
  const place = useRef<HTMLDivElement>(null);
  const { x, y } = tip.at;
  useEffect(() => {
    // A style attribute would need a policy that allows them; the property does not.
    const element = place.current;
    if (!element) return;
    const { clientWidth } = element.parentElement ?? element;
    const left = Math.min(Math.max(x - element.offsetWidth / 2, 8), clientWidth - element.offsetWidth - 8);
    const above = y - element.offsetHeight - 26;
    element.style.translate = `${Math.round(left)}px ${Math.round(above > 8 ? above : y + 26)}px`;
  }, [x, y, tip.seat]);
  const seat = geometry.seats[tip.seat];
  const section = geometry.sections[geometry.sectionOf[tip.seat] ?? 0];
  if (!seat || !section) return null;
  const state = seatStates[states?.[tip.seat] ?? 3] ?? 'not_for_sale';
  return (
    <div ref={place} className="seat-map-tip" aria-hidden="true">
      <b>{`${messages.section(section.name)} · ${messages.row(seat.row)} · ${messages.seat(seat.number)}`}</b>
      <span>{`${geometry.grades[section.grade]?.name ?? ''} ${messages.price(section.price)}`}</span>
      <span>{messages.state[state]}</span>
    </div>
  );
}

type ZoomProps = {
  readonly messages: Messages;
  readonly zoom: (direction: 'in' | 'out' | 'whole') => void;
};

function Zoom({ messages, zoom }: ZoomProps) {
  const buttons = [
    ['in', messages.zoomIn, 'M10 4v12M4 10h12'],
    ['out', messages.zoomOut, 'M4 10h12'],
    ['whole', messages.wholeHall, 'M4 8V4h4M12 4h4v4M16 12v4h-4M8 16H4v-4'],
  ] as const;
  return (
    <div className="seat-map-zoom">
      {buttons.map(([direction, text, path]) => (
        <button key={direction} type="button" aria-label={text} title={text} onClick={() => zoom(direction)}>
          <svg viewBox="0 0 20 20" aria-hidden="true">
            <path d={path} />
          </svg>
        </button>
      ))}
    </div>
  );
}
