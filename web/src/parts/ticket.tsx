import type { ReactNode } from 'react';
import type { Reservation } from '../api/wire.ts';
import type { Evening } from '../evenings.ts';
import { useLanguage } from '../language.tsx';
import { seatLabel } from '../seat-label.ts';
import { Poster } from './poster.tsx';

type TicketProps = {
  readonly reservation: Reservation;
  readonly evening: Evening | undefined;
  readonly children?: ReactNode;
};

/** What a reservation looks like, from the hold to the door. */
export function Ticket({ reservation, evening, children }: TicketProps) {
  const { t, language, format } = useLanguage();
  const { status, seats, performanceId } = reservation;
  const words = evening?.concert.translations[language];
  return (
    <article className={`ticket ticket-${status}`}>
      <Poster concertId={evening?.concert.concertId ?? performanceId} className="ticket-poster" />
      <div className="ticket-body">
        <p className={`state state-${status}`}>{t.tickets.states[status]}</p>
        <h2>{words?.title ?? '\u00a0'}</h2>
        <p>{words?.artist ?? '\u00a0'}</p>
        <p className="ticket-when number">
          {evening ? format.dateTime(evening.performance.startsAt) : '\u00a0'}
          <br />
          {words?.venue}
        </p>
        <ul className="ticket-seats">
          {seats.map(({ seatId, label, price }) => (
            <li key={seatId}>
              <span>{seatLabel(label, t)}</span>
              <span className="number">{t.points(price)}</span>
            </li>
          ))}
        </ul>
        {children}
      </div>
    </article>
  );
}
