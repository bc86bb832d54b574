import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from 'wouter';
import { concertQuery, performancesQuery } from '../api/queries.ts';
import type { Concert as ConcertBody, Performance } from '../api/wire.ts';
import { useLanguage } from '../language.tsx';
import { useTimeLeft } from '../parts/countdown.ts';
import { Failure, Notice, Placeholder } from '../parts/notice.tsx';
import { Poster } from '../parts/poster.tsx';
import { SaleState } from '../parts/sale-state.tsx';
import { Screen } from '../screen.tsx';

export function Concert() {
  const { concertId = '' } = useParams<{ concertId: string }>();
  const { t, language } = useLanguage();
  const { data: concert, error, refetch } = useQuery(concertQuery(concertId));
  const title = concert?.translations[language].title ?? t.loading;
  return (
    <Screen key={concertId} title={title} className="concert">
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      <Poster concertId={concertId} className="concert-poster" />
      {concert ? (
        <Programme concert={concert} />
      ) : (
        !error && <Placeholder className="placeholder-programme" />
      )}
    </Screen>
  );
}

function Programme({ concert }: { readonly concert: ConcertBody }) {
  const { t, language } = useLanguage();
  const { artist, venue } = concert.translations[language];
  const { min, max } = concert.priceRange;
  const { data: performances } = useQuery(performancesQuery(concert.concertId));
  return (
    <div className="concert-programme">
      <p className="concert-artist">{artist}</p>
      <p className="soft">
        {venue} <span aria-hidden="true">·</span>{' '}
        <span className="number">{t.season.range(t.points(min), t.points(max))}</span>
      </p>
      <SaleState concert={concert} performances={performances} />
      {concert.saleState === 'scheduled' && <Opening concert={concert} />}
      {concert.saleState === 'paused' && <Refused code="sale_paused" />}
      {concert.saleState === 'closed' && <Refused code="sale_closed" />}
      <Dates concert={concert} />
    </div>
  );
}

function Refused({ code }: { readonly code: 'sale_paused' | 'sale_closed' }) {
  const { t } = useLanguage();
  const [what, todo] = t.refusals[code] ?? t.refusals.internal_error;
  return <Notice tone="warn" what={what} todo={todo} />;
}

const dayMs = 86_400_000;

/** The count-down, by the server's clock; the sale's own state decides when it is over. */
function Opening({ concert: { onSaleAt, waitingRoom } }: { readonly concert: ConcertBody }) {
  const { t } = useLanguage();
  const leftMs = useTimeLeft(onSaleAt);
  const seconds = Math.max(0, Math.ceil(leftMs / 1_000));
  const parts = [
    [Math.floor((seconds * 1_000) / dayMs), t.concert.units.days],
    [Math.floor(seconds / 3_600) % 24, t.concert.units.hours],
    [Math.floor(seconds / 60) % 60, t.concert.units.minutes],
    [seconds % 60, t.concert.units.seconds],
  ] as const;
  return (
    <div className="opening">
      <p id="opening">{t.concert.opensIn}</p>
      <div className="opening-clock number" role="timer" aria-labelledby="opening">
        {parts.map(([n, unit]) => (
          <span key={unit}>
            <b>{String(n).padStart(2, '0')}</b> <i>{unit}</i>
          </span>
        ))}
      </div>
      {waitingRoom && <p className="soft">{t.concert.waitingRoom}</p>}
    </div>
  );
}

function Dates({ concert }: { readonly concert: ConcertBody }) {
  const { t } = useLanguage();
  const {
    data: performances,
    error,
    refetch,
  } = useQuery({
    ...performancesQuery(concert.concertId),
    refetchInterval: 10_000,
  });
  return (
    <section aria-labelledby="dates">
      <h2 id="dates" className="concert-dates-title">
        {t.concert.dates}
      </h2>
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {!performances && !error && <Placeholder className="placeholder-dates" />}
      {performances?.length === 0 && <p className="soft">{t.concert.noDates}</p>}
      <ul className="dates">
        {performances?.map((performance) => (
          <li key={performance.performanceId}>
            <DateRow concert={concert} performance={performance} />
          </li>
        ))}
      </ul>
    </section>
  );
}

type DateRowProps = { readonly concert: ConcertBody; readonly performance: Performance };

function DateRow({ concert, performance }: DateRowProps) {
  const { t, format } = useLanguage();
  const { performanceId, startsAt, seatsTotal, seatsAvailable } = performance;
  const { day, weekday, month } = format.leaf(startsAt);
  // Before the opening a fan may come to the waiting room and be drawn a number.
  const canGo = concert.saleState === 'open' || (concert.waitingRoom && concert.saleState !== 'closed');
  const canChoose = canGo && (seatsAvailable > 0 || concert.waitingRoom);
  const to = concert.waitingRoom ? 'line' : 'seats';
  return (
    <div className="date">
      <p className="date-leaf number">
        <b>{day}</b>
        <span>
          {month}
          <br />
          {weekday} {format.time(startsAt)}
        </span>
      </p>
      <div className="date-left">
        <p className="number">{leftOf(seatsAvailable, seatsTotal, t)}</p>
        <meter min={0} max={seatsTotal} value={seatsAvailable} aria-hidden="true" />
      </div>
      {canChoose && (
        <Link
          className="button"
          href={`/concerts/${concert.concertId}/${to}/${performanceId}`}
          aria-label={`${concert.waitingRoom ? t.concert.lineUp : t.concert.choose}, ${format.dateTime(startsAt)}`}
        >
          {concert.waitingRoom ? t.concert.lineUp : t.concert.choose}
        </Link>
      )}
    </div>
  );
}

const fewSeats = 20;

function leftOf(left: number, total: number, t: ReturnType<typeof useLanguage>['t']): string {
  if (left === 0) return t.concert.none;
  return left <= fewSeats ? t.concert.few(left) : t.concert.left(left, total);
}
