import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { flushSync } from 'react-dom';
import { Link, useLocation, useParams } from 'wouter';
import { forgetAdmission, holds, keptAdmission } from '../api/line.ts';
import { concertQuery, performancesQuery, seatMapQuery } from '../api/queries.ts';
import { isRefusal, type Refusal } from '../api/refusal.ts';
import type { Concert, Performance, Reservation, SeatMapLayout } from '../api/wire.ts';
import { useAnnounce } from '../announcer.tsx';
import { useAttempt } from '../attempts.ts';
import { useFan } from '../fan.tsx';
import { useHeldSeats } from '../held-seats.ts';
import { useLanguage } from '../language.tsx';
import { lostAlso, lostByRefusal, type Lost } from '../lost.ts';
import { BestAvailable } from '../parts/best-available.tsx';
import { LostSeats } from '../parts/lost-seats.tsx';
import { Failure, Notice, Placeholder } from '../parts/notice.tsx';
import { SeatChoice } from '../parts/seat-choice.tsx';
import { LineUp, TurnLeft } from '../parts/turn.tsx';
import { useSameMap } from '../same-map.ts';
import { Screen } from '../screen.tsx';
import { SeatList, SeatMap, useAvailability } from '../seat-map/index.ts';
import { SeatIndex } from '../seat-index.ts';
import { useStoredNames } from '../stored.ts';
import { calledState } from './waiting-room.tsx';

export const seatsMax = 6;

export function Seats() {
  const { concertId = '', performanceId = '' } = useParams<{ concertId: string; performanceId: string }>();
  const { t } = useLanguage();
  const isCalled = useCalled();
  const concert = useQuery(concertQuery(concertId));
  const performances = useQuery(performancesQuery(concertId));
  const layout = useQuery(seatMapQuery(performanceId));
  const performance = performances.data?.find((one) => one.performanceId === performanceId);
  const failed = [concert, performances, layout].find(({ error }) => error !== null);
  const isThere = concert.data && performance && layout.data;
  // It has begun, or belongs to another concert.
  const isNoDate = !failed && performances.data !== undefined && !performance;
  return (
    <Screen
      key={performanceId}
      title={t.seatScreen.title}
      {...(isCalled && { windowTitle: t.line.turnTitle })}
      className="seats"
      isTitleHidden
    >
      {failed && <Failure error={failed.error} onRetry={() => void failed.refetch()} />}
      {isThere && <Hall concert={concert.data} performance={performance} layout={layout.data} />}
      {isNoDate && <NoDate concertId={concertId} />}
      {!isThere && !failed && !isNoDate && <Placeholder className="placeholder-hall" />}
    </Screen>
  );
}

function NoDate({ concertId }: { readonly concertId: string }) {
  const { t } = useLanguage();
  const [what, todo] = t.refusals.performance_not_found;
  return (
    <Notice tone="wrong" what={what} todo={todo} isAlert>
      <Link className="button button-quiet" href={`/concerts/${concertId}`}>
        {t.concert.dates}
      </Link>
    </Notice>
  );
}

/** The title goes on saying that it is their turn until the fan does something here. */
function useCalled(): boolean {
  const [isCalled, setCalled] = useState(() => history.state === calledState);
  useEffect(() => {
    const told = new AbortController();
    const options = { signal: told.signal, once: true };
    for (const act of ['pointerdown', 'keydown']) addEventListener(act, () => setCalled(false), options);
    return () => told.abort();
  }, []);
  return isCalled;
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
  const [, setEnded] = useState<string>();
  const kept = fan && keptAdmission(fan.userId, concert.concertId);
  const admission = kept && holds(kept) ? kept : null;

  const arrived = (held: Reservation) => {
    select([]);
    if (fan) {
      queries.setQueryData(['fan', fan.userId, 'reservation', held.reservationId], held);
      void queries.invalidateQueries({ queryKey: ['fan', fan.userId, 'reservations'] });
    }
    go(`/reservations/${held.reservationId}`);
  };
  const { seek, isSeeking } = useHeldSeats(arrived);
  const reserving = useAttempt<Reservation>(`reserve:${performanceId}`, {
    headers: () => (kept ? { 'admission-token': kept.admissionToken } : {}),
    onDone: ({ body }) => arrived(body),
    onRefused: (error, attempt) => {
      if (isAdmissionRefusal(error)) {
        if (fan) forgetAdmission(fan.userId, concert.concertId);
        // Without an admission (another tab may have forgotten it) the door looks no key up: the answer may have been lost.
        seek(attempt);
      }
      // Whether it is over or only paused, the concert says.
      if (isRefusal(error, 'sale_closed'))
        void queries.invalidateQueries({ queryKey: concertQuery(concert.concertId).queryKey });
      if (!isRefusal(error, 'seat_unavailable')) return;
      const loss = lostByRefusal(error, selected);
      select(selected.filter((id) => !loss.seatIds.includes(id)));
      setLost(loss);
    },
  });

  // While the fan's own wish is under way a seat that is taken may well be theirs; in another map it may be another seat.
  const isBusy = reserving.isBusy || isSeeking;
  const isSameMap = useSameMap(performanceId, layout, availability);
  useEffect(() => {
    if (!availability || !isSameMap || isBusy) return;
    const gone = selected.filter((id) => !index.isFree(id, availability.states));
    if (gone.length === 0) return;
    select(selected.filter((id) => !gone.includes(id)));
    setLost((before) => lostAlso(before, gone, selected));
  }, [availability, isSameMap, isBusy, selected, select, index]);

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

  const showList = () => {
    flushSync(() => setView('list'));
    document.getElementById('seat-list')?.focus();
  };
  const map = {
    performanceId,
    layout,
    availability,
    selected,
    onToggle: toggle,
    maxSelected: seatsMax,
    language,
    isReserving: isBusy,
    lost: lost?.seatIds.filter((id) => !selected.includes(id)) ?? [],
  };
  const { title } = concert.translations[language];
  const isLineAsked = concert.waitingRoom || isAdmissionRefusal(reserving.error);
  return (
    <>
      <header className="hall-head">
        <p className="hall-title">
          <Link href={`/concerts/${concert.concertId}`}>{title}</Link>
        </p>
        <p className="soft number">{format.dateTime(performance.startsAt)}</p>
        {concert.waitingRoom && admission && <TurnLeft admission={admission} onEnded={setEnded} />}
      </header>
      <div className="hall">
        <section className="hall-plan" aria-label={t.seatScreen.title}>
          <div className="hall-tools">
            <ViewChoice view={view} onChoose={setView} />
            <BestAvailable performanceId={performanceId} index={index} onFound={take} isDisabled={isBusy} />
          </div>
          {availability?.freshness === 'stale' && <Notice tone="warn" what={t.seatScreen.stale} />}
          {view === 'map' ? <SeatMap {...map} onShowList={showList} /> : <SeatList {...map} />}
        </section>
        <aside className="hall-side">
          {concert.saleState !== 'open' && <SaleNotice concert={concert} />}
          {isLineAsked && !admission && !isBusy && (
            <LineUp
              code={whyLineUp(reserving.error, kept !== null)}
              concertId={concert.concertId}
              performanceId={performanceId}
            />
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
          {reserving.error !== null && !isToldElsewhere(reserving.error, concert) && (
            <Failure error={reserving.error} />
          )}
          <SeatChoice
            index={index}
            selected={selected}
            onRemove={toggle}
            phase={isSeeking ? 'asking' : reserving.phase}
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

const isAdmissionRefusal = (error: unknown): error is Refusal =>
  isRefusal(error, 'admission_required', 'admission_expired', 'admission_invalid');

/** By the lost seats, by the way to the line, or by how the sale stands. */
const isToldElsewhere = (error: unknown, { saleState }: Concert): boolean =>
  isRefusal(error, 'seat_unavailable') ||
  isAdmissionRefusal(error) ||
  (isRefusal(error, 'sale_closed') && saleState !== 'open');

function whyLineUp(error: unknown, hadTurn: boolean): string {
  if (isAdmissionRefusal(error)) return error.code;
  return hadTurn ? 'admission_expired' : 'admission_required';
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
