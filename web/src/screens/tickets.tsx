import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { reservationsQuery } from '../api/queries.ts';
import type { Fan } from '../api/session.ts';
import type { Reservation } from '../api/wire.ts';
import { useEvenings, type Evening } from '../evenings.ts';
import { useFan } from '../fan.tsx';
import { clockOf } from '../formats.ts';
import { useLanguage } from '../language.tsx';
import { Action } from '../parts/action.tsx';
import { CancelDialog } from '../parts/cancel-dialog.tsx';
import { useTimeLeft } from '../parts/countdown.ts';
import { Failure, Placeholder } from '../parts/notice.tsx';
import { SignInHere } from '../parts/sign-in-here.tsx';
import { Ticket } from '../parts/ticket.tsx';
import { Screen } from '../screen.tsx';

export function Tickets() {
  const { t } = useLanguage();
  const { fan } = useFan();
  return (
    <Screen title={t.tickets.title} className="tickets">
      {fan ? <Mine fan={fan} /> : <SignInHere text={t.tickets.signIn} />}
    </Screen>
  );
}

const isLive = ({ status }: Reservation): boolean => status !== 'cancelled' && status !== 'expired';

function Mine({ fan }: { readonly fan: Fan }) {
  const { t } = useLanguage();
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    ...reservationsQuery(fan.userId),
    refetchInterval: 10_000,
  });
  const [cancelled, setCancelled] = useState<Reservation | null>(null);
  const all = data?.pages.flatMap(({ items }) => items) ?? [];
  const evenings = useEvenings(all.map(({ performanceId }) => performanceId));
  if (error && !data) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data) return <Placeholder className="placeholder-tickets" />;
  const [live, past] = [all.filter(isLive), all.filter((one) => !isLive(one))];
  return (
    <>
      {live.length === 0 && <None />}
      <ul className="ticket-list">
        {live.map((reservation) => (
          <li key={reservation.reservationId}>
            <Live
              reservation={reservation}
              evening={evenings.get(reservation.performanceId)}
              onCancel={() => setCancelled(reservation)}
            />
          </li>
        ))}
      </ul>
      {past.length > 0 && <Past reservations={past} evenings={evenings} />}
      {hasNextPage && (
        <Action tone="quiet" onAct={() => void fetchNextPage()} busy={isFetchingNextPage && t.loading}>
          {t.tickets.more}
        </Action>
      )}
      {cancelled && <CancelDialog fan={fan} reservation={cancelled} onClose={() => setCancelled(null)} />}
    </>
  );
}

function None() {
  const { t } = useLanguage();
  return (
    <div className="empty">
      <p>{t.tickets.none}</p>
      <p className="soft">{t.tickets.noneText}</p>
      <Link className="button" href="/">
        {t.tickets.browse}
      </Link>
    </div>
  );
}

type LiveProps = {
  readonly reservation: Reservation;
  readonly evening: Evening | undefined;
  readonly onCancel: () => void;
};

function Live({ reservation, evening, onCancel }: LiveProps) {
  const { reservationId, status, expiresAt } = reservation;
  const { t } = useLanguage();
  const leftMs = useTimeLeft(status === 'reserved' ? expiresAt : undefined);
  return (
    <Ticket reservation={reservation} evening={evening}>
      <div className="ticket-acts">
        <Link className="button" href={`/reservations/${reservationId}`}>
          {status === 'paid' ? t.tickets.show : t.tickets.pay}
        </Link>
        {status !== 'paying' && (
          <Action tone="quiet" onAct={onCancel}>
            {t.tickets.cancel}
          </Action>
        )}
        {status === 'reserved' && leftMs > 0 && (
          <p className="soft number">{t.tickets.until(clockOf(leftMs))}</p>
        )}
      </div>
    </Ticket>
  );
}

type PastProps = {
  readonly reservations: readonly Reservation[];
  readonly evenings: ReadonlyMap<string, Evening>;
};

function Past({ reservations, evenings }: PastProps) {
  const { t, language, format } = useLanguage();
  return (
    <section className="past" aria-labelledby="past">
      <h2 id="past">{t.tickets.past}</h2>
      <ul>
        {reservations.map(({ reservationId, performanceId, seats, status }) => {
          const evening = evenings.get(performanceId);
          return (
            <li key={reservationId}>
              <span className={`state state-${status}`}>{t.tickets.states[status]}</span>
              <span>{evening?.concert.translations[language].title}</span>
              <span className="soft number">{evening && format.dateTime(evening.performance.startsAt)}</span>
              <span className="soft">{t.seats(seats.length)}</span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
