import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { Link, useLocation, useParams } from 'wouter';
import { admissionOf, forgetAdmission } from '../api/line.ts';
import { concertQuery, performancesQuery, seatMapQuery } from '../api/queries.ts';
import { isRefusal } from '../api/refusal.ts';
import type { Concert, Performance, Reservation, SeatMapLayout } from '../api/wire.ts';
import { useAnnounce } from '../announcer.tsx';
import { useAttempt } from '../attempts.ts';
import { useFan } from '../fan.tsx';
import { useLanguage } from '../language.tsx';
import { BestAvailable } from '../parts/best-available.tsx';
import { LostSeats, alternativesOf, type Lost } from '../parts/lost-seats.tsx';
import { Failure, Notice, Placeholder } from '../parts/notice.tsx';
import { SeatChoice } from '../parts/seat-choice.tsx';
import { Screen } from '../screen.tsx';
import { SeatList, SeatMap, useAvailability } from '../seat-map/index.ts';
import { SeatIndex } from '../seat-index.ts';
import { useStoredNames } from '../stored.ts';

export const seatsMax = 6;

export function Seats() {
  const { concertId = '', performanceId = '' } = useParams<{ concertId: string; performanceId: string }>();
  const { t } = useLanguage();
  const concert = useQuery(concertQuery(concertId));
  const performances = useQuery(performancesQuery(concertId));
  const layout = useQuery(seatMapQuery(performanceId));
  const performance = performances.data?.find((one) => one.performanceId === performanceId);
  const failed = [concert, performances, layout].find(({ error }) => error !== null);
  const isThere = concert.data && performance && layout.data;
  return (
    <Screen key={performanceId} title={t.seatScreen.title} className="seats" isTitleHidden>
      {failed && <Failure error={failed.error} onRetry={() => void failed.refetch()} />}
      {isThere && <Hall concert={concert.data} performance={performance} layout={layout.data} />}
      {!isThere && !failed && <Placeholder className="placeholder-hall" />}
    </Screen>
  );
}

type HallProps = {
  readonly concert: Concert;
  readonly performance: Performance;
  readonly layout: SeatMapLayout;
};

function Hall({ concert, performance, layout }: HallProps) {
  const { performanceId } = performance;
  const { t, language, format } = useLanguage();
  const { fan } = useFan();
  const [, go] = useLocation();
  const queries = useQueryClient();
  const announce = useAnnounce();
  const [view, setView] = useState<'map' | 'list'>('map');
  const [selected, select] = useStoredNames(`tutti.seats.${performanceId}`);
  const [lost, setLost] = useState<Lost | null>(null);
  const availability = useAvailability(performanceId);
  const index = useMemo(() => new SeatIndex(layout), [layout]);
  const admission = fan && admissionOf(fan.userId, concert.concertId);

  const reserving = useAttempt<Reservation>(`reserve:${performanceId}`, {
    headers: () => (admission ? { 'admission-token': admission.admissionToken } : {}),
    onDone: ({ body }) => {
      select([]);
      if (fan) {
        queries.setQueryData(['fan', fan.userId, 'reservation', body.reservationId], body);
        void queries.invalidateQueries({ queryKey: ['fan', fan.userId, 'reservations'] });
      }
      go(`/reservations/${body.reservationId}`);
    },
    onRefused: (error) => {
      if (isRefusal(error, 'admission_required', 'admission_expired', 'admission_invalid') && fan)
        forgetAdmission(fan.userId, concert.concertId);
      if (!isRefusal(error, 'seat_unavailable')) return;
      const gone = error.list('seatIds').filter((id) => typeof id === 'string');
      select(selected.filter((id) => !gone.includes(id)));
      setLost({ seatIds: gone, alternatives: alternativesOf(error), wanted: selected.length });
    },
  });

  // While the fan's own wish is under way a seat that is taken may well be theirs.
  const { isBusy } = reserving;
  useEffect(() => {
    if (!availability || isBusy) return;
    const gone = selected.filter((id) => !index.isFree(id, availability.states));
    if (gone.length === 0) return;
    select(selected.filter((id) => !gone.includes(id)));
    setLost({ seatIds: gone, alternatives: null, wanted: selected.length });
  }, [availability, isBusy, selected, select, index]);

  const toggle = (seatId: string) => {
    if (isBusy) return;
    if (selected.includes(seatId)) select(selected.filter((id) => id !== seatId));
    else if (selected.length < seatsMax) select([...selected, seatId]);
    else announce(t.seatScreen.full);
  };
  const take = (seatIds: readonly string[]) => {
    select(seatIds.slice(0, seatsMax));
    setLost(null);
    announce(t.seatScreen.chosen(Math.min(seatIds.length, seatsMax), seatsMax));
  };

  const map = {
    performanceId,
    layout,
    availability,
    selected,
    onToggle: toggle,
    maxSelected: seatsMax,
    language,
  };
  const { title } = concert.translations[language];
  return (
    <>
      <header className="hall-head">
        <p className="hall-title">
          <Link href={`/concerts/${concert.concertId}`}>{title}</Link>
        </p>
        <p className="soft number">{format.dateTime(performance.startsAt)}</p>
      </header>
      <div className="hall">
        <section className="hall-plan" aria-label={t.seatScreen.title}>
          <div className="hall-tools">
            <ViewChoice view={view} onChoose={setView} />
            <BestAvailable performanceId={performanceId} index={index} onFound={take} isDisabled={isBusy} />
          </div>
          {availability?.freshness === 'stale' && <Notice tone="warn" what={t.seatScreen.stale} />}
          {view === 'map' ? <SeatMap {...map} /> : <SeatList {...map} />}
        </section>
        <aside className="hall-side">
          {concert.saleState !== 'open' && <SaleNotice concert={concert} />}
          {concert.waitingRoom && !admission && !isBusy && (
            <LineUp concertId={concert.concertId} performanceId={performanceId} />
          )}
          {lost && (
            <LostSeats
              key={lost.seatIds.join()}
              lost={lost}
              performanceId={performanceId}
              index={index}
              kept={selected}
              onTake={take}
              onClose={() => setLost(null)}
            />
          )}
          {reserving.error !== null && !isRefusal(reserving.error, 'seat_unavailable') && (
            <Failure error={reserving.error} />
          )}
          <SeatChoice
            index={index}
            selected={selected}
            onRemove={toggle}
            phase={reserving.phase}
            onReserve={() => {
              setLost(null);
              void reserving.start('/reservations', { performanceId, seatIds: selected });
            }}
          />
        </aside>
      </div>
    </>
  );
}

function SaleNotice({ concert: { saleState } }: { readonly concert: Concert }) {
  const { t } = useLanguage();
  const codes = { scheduled: 'sale_not_open', paused: 'sale_paused', closed: 'sale_closed' } as const;
  const said = saleState === 'open' ? undefined : t.refusals[codes[saleState]];
  return said ? <Notice tone="warn" what={said[0]} todo={said[1]} /> : null;
}

function LineUp({
  concertId,
  performanceId,
}: {
  readonly concertId: string;
  readonly performanceId: string;
}) {
  const { t } = useLanguage();
  const [what, todo] = t.refusals['admission_required'] ?? t.refusals.internal_error;
  return (
    <Notice tone="warn" what={what} todo={todo}>
      <Link className="button button-quiet" href={`/concerts/${concertId}/line/${performanceId}`}>
        {t.concert.lineUp}
      </Link>
    </Notice>
  );
}

type ViewChoiceProps = { readonly view: 'map' | 'list'; readonly onChoose: (view: 'map' | 'list') => void };

function ViewChoice({ view, onChoose }: ViewChoiceProps) {
  const { t } = useLanguage();
  return (
    <fieldset className="segments">
      <legend className="hidden">{t.seatScreen.view}</legend>
      {(['map', 'list'] as const).map((one) => (
        <label key={one} className="segment">
          <input type="radio" name="view" checked={view === one} onChange={() => onChoose(one)} />
          <span>{t.seatScreen[one]}</span>
        </label>
      ))}
    </fieldset>
  );
}
