import { useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState, type ReactNode } from 'react';
import { Link, useLocation, useParams } from 'wouter';
import { enter, forgetPlace, type Queue } from '../api/line.ts';
import { concertQuery } from '../api/queries.ts';
import { isRefusal, Unreachable } from '../api/refusal.ts';
import { forgetFan, type Fan } from '../api/session.ts';
import { useAnnounce } from '../announcer.tsx';
import { useFan } from '../fan.tsx';
import { useLanguage } from '../language.tsx';
import { isCalled, standingOf, useLine, type Standing } from '../line-wait.ts';
import type { Messages } from '../messages/index.ts';
import { chime, isSoundOn, readySound, setSound } from '../parts/chime.ts';
import { clockOf } from '../formats.ts';
import { useTimeLeft } from '../parts/countdown.ts';
import { Failure, Notice } from '../parts/notice.tsx';
import { SignInHere } from '../parts/sign-in-here.tsx';
import { inksOf } from '../parts/poster.tsx';
import { Screen } from '../screen.tsx';

/** How the seat screen knows that the fan was called to it, perhaps while looking elsewhere. */
export const calledState = 'called';

/** The line before a sale: it turns into the seat map when it is this fan's turn. */
export function WaitingRoom() {
  const { concertId = '', performanceId = '' } = useParams<{ concertId: string; performanceId: string }>();
  const { t, language } = useLanguage();
  const { fan } = useFan();
  const { data: concert } = useQuery(concertQuery(concertId));
  const title = concert?.translations[language].title ?? '\u00a0';
  return (
    <Screen title={t.line.title} className={`line ${inksOf(concertId)}`} isTitleHidden>
      <p className="line-concert">
        <Link href={`/concerts/${concertId}`}>{title}</Link>
      </p>
      {fan ? (
        <Waiting fan={fan} concertId={concertId} performanceId={performanceId} />
      ) : (
        <SignInHere text={t.line.signIn} />
      )}
    </Screen>
  );
}

type WaitingProps = { readonly fan: Fan; readonly concertId: string; readonly performanceId: string };

function Waiting({ fan, concertId, performanceId }: WaitingProps) {
  const { t } = useLanguage();
  const [, go] = useLocation();
  const { place, queue } = useLine(fan.userId, concertId);
  const announce = useAnnounce();
  const onEntered = useCallback(() => {
    announce(`${t.line.turn}. ${t.line.turnText}`);
    chime();
    go(`/concerts/${concertId}/seats/${performanceId}`, { replace: true, state: calledState });
  }, [announce, t, go, concertId, performanceId]);
  const lineUpAgain = useCallback(() => {
    forgetPlace(fan.userId, concertId);
    void place.refetch();
  }, [fan.userId, concertId, place]);
  const queueToken = isCalled(place.data, queue.data) ? place.data?.queueToken : undefined;
  const entry = useEntering(fan.userId, concertId, queueToken, onEntered, lineUpAgain);

  const refusedPlace = place.data ? null : place.error;
  const standing = standingOf(place.data, queue.data, refusedPlace ?? entry.told);
  const failure = [refusedPlace, entry.failure, queue.error].find(
    (one) => one !== null && !isToldByStanding(one),
  );
  useWindowTitle(standing, t);
  if (isRefusal(failure, 'no_waiting_room'))
    return (
      <Failure error={failure}>
        <Link className="button" href={`/concerts/${concertId}/seats/${performanceId}`}>
          {t.concert.choose}
        </Link>
      </Failure>
    );
  const isRefused = isRefusal(refusedPlace);
  return (
    <div className="line-columns">
      <div className="line-now">
        {failure instanceof Unreachable && <Notice tone="warn" what={t.line.offline} />}
        {failure !== undefined && !(failure instanceof Unreachable) && (
          <Failure error={failure} onRetry={isRefused ? lineUpAgain : undefined} />
        )}
        <Now standing={standing} isRefused={isRefused} />
        <SoundChoice />
        <p className="soft line-keep">{t.line.keep}</p>
      </div>
      <Left queue={standing.queue} />
    </div>
  );
}

/** Where the fan stands says it already. */
const isToldByStanding = (failure: unknown): boolean =>
  isRefusal(failure, 'not_your_turn', 'sale_paused', 'sold_out', 'sale_closed');

type Entry = {
  /** The last that was said at the door of where the fan stands; a connection that is lost afterwards does not undo it. */
  readonly told: unknown;
  readonly failure: unknown;
};
const nothingSaid: Entry = { told: null, failure: null };

/** Asks to be let in while there is a token to ask with. What stands in the way is told, and asked again. */
function useEntering(
  userId: string,
  concertId: string,
  queueToken: string | undefined,
  onEntered: () => void,
  onInvalid: () => void,
): Entry {
  const [entry, setEntry] = useState(nothingSaid);
  const [tries, setTries] = useState(0);
  const hooks = useRef({ onEntered, onInvalid });
  useEffect(() => {
    hooks.current = { onEntered, onInvalid };
  });
  useEffect(() => {
    if (queueToken === undefined) return;
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    enter(userId, concertId, queueToken).then(
      () => {
        if (!isOver) hooks.current.onEntered();
      },
      (failure: unknown) => {
        if (isOver) return;
        // The sign-in takes the place of all this; whoever signs in has the same place.
        if (isRefusal(failure, 'unauthenticated', 'user_not_found')) return forgetFan();
        setEntry(({ told }) =>
          isToldByStanding(failure) ? { told: failure, failure: null } : { told, failure },
        );
        if (isRefusal(failure, 'queue_token_invalid')) return hooks.current.onInvalid();
        if (isRefusal(failure, 'sale_closed', 'no_waiting_room')) return;
        const seconds = isRefusal(failure) ? (failure.retryAfterSeconds ?? 2) : 2;
        timer = setTimeout(() => setTries((n) => n + 1), seconds * 1_000 * (1 + Math.random() / 4));
      },
    );
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [userId, concertId, queueToken, tries]);
  // What was said of another place, or before the line stopped, stands no more.
  useEffect(() => () => setEntry(nothingSaid), [queueToken]);
  return entry;
}

/** The window's title says it to who waits in another tab. */
function useWindowTitle({ isTurn, ahead, phase }: Standing, t: Messages): void {
  const ended = { closed: t.line.closed, sold_out: t.line.soldOut };
  const inLine = isTurn ? t.line.turnTitle : ahead === undefined ? undefined : t.line.aheadOf(ahead);
  const title = phase === 'closed' || phase === 'sold_out' ? ended[phase] : inLine;
  useEffect(() => {
    if (title !== undefined) document.title = `${title} · tutti`;
  }, [title]);
}

type NowProps = { readonly standing: Standing; readonly isRefused: boolean };

function Now({ standing, isRefused }: NowProps) {
  const { t } = useLanguage();
  const { queue, place, phase, number, isTurn } = standing;
  if (phase === 'closed') return <Big what={t.line.closed} />;
  if (phase === 'sold_out') return <Big what={t.line.soldOut}>{t.line.soldOutText}</Big>;
  if (!queue || !place) return isRefused ? null : <Big what={t.line.joining} />;
  if (isTurn) return <Big what={t.line.turn}>{t.line.turnText}</Big>;
  if (phase === 'pre_queue') return <BeforeOpening opensAt={queue.opensAt} />;
  return number === undefined ? (
    <Big what={t.line.drawing} />
  ) : (
    <Numbered standing={standing} number={number} />
  );
}

function Big({ what, children }: { readonly what: string; readonly children?: ReactNode }) {
  return (
    <div role="status">
      <p className="line-big">{what}</p>
      <p className="lead">{children}</p>
    </div>
  );
}

function BeforeOpening({ opensAt }: { readonly opensAt: string }) {
  const { t } = useLanguage();
  const leftMs = useTimeLeft(opensAt);
  return (
    <>
      <p className="line-label">{leftMs > 0 ? t.line.preQueue : t.line.drawing}</p>
      <p className="line-number number" role="timer" aria-label={t.concert.opensIn}>
        {clockOf(leftMs)}
      </p>
      <p className="lead">{t.line.preQueueText}</p>
    </>
  );
}

function Numbered({ standing, number }: { readonly standing: Standing; readonly number: number }) {
  const { t, language } = useLanguage();
  const { ahead = 0, wait, queue, place, phase } = standing;
  // Where this fan began: the number itself, unless this page saw them later in the line.
  const [first] = useState(() => Math.max(1, number));
  const progress = Math.min(1, Math.max(0, 1 - ahead / first));
  const isPaused = phase === 'paused';
  return (
    <>
      <p className="line-label">{t.line.number}</p>
      <p className="line-number number">{number.toLocaleString(language)}</p>
      <progress className="line-progress" value={progress} max={1} aria-label={t.line.aheadOf(ahead)} />
      <dl className="line-facts number">
        <div>
          <dt>{t.line.ahead}</dt>
          <dd>{t.line.aheadOf(ahead)}</dd>
        </div>
        <div>
          <dt>{t.line.wait}</dt>
          <dd>{isPaused || !wait ? t.line.waitUnknown : waitOf(wait, t)}</dd>
        </div>
      </dl>
      <MilestoneNews ahead={ahead} />
      {isPaused && <Notice tone="warn" what={t.line.paused} todo={t.line.pausedText} />}
      {place?.arrival !== undefined && queue?.seed !== undefined && (
        <details className="line-fair">
          <summary>{t.line.fair}</summary>
          <p className="soft">{t.line.fairText(queue.seed, queue.preQueueSize ?? 0)}</p>
        </details>
      )}
    </>
  );
}

/** Read out at every halving of what is ahead: a screen reader that reads every change reads nothing else. */
function MilestoneNews({ ahead }: { readonly ahead: number }) {
  const { t } = useLanguage();
  const announce = useAnnounce();
  const milestone = ahead === 0 ? 0 : Math.ceil(Math.log2(ahead + 1));
  const shown = useRef(ahead);
  useEffect(() => {
    shown.current = ahead;
  });
  useEffect(() => {
    announce(t.line.aheadOf(shown.current));
  }, [milestone, announce, t]);
  return null;
}

function waitOf({ low, high }: { readonly low: number; readonly high: number }, t: Messages): string {
  if (high < 60) return t.line.soon;
  const inWords = (seconds: number, round: (n: number) => number): string => {
    const minutes = round(seconds / 60);
    if (minutes < 1) return t.line.soon;
    return minutes < 90 ? t.line.minutes(minutes) : t.line.hours(Math.round(minutes / 60));
  };
  const [from, to] = [inWords(low, Math.floor), inWords(high, Math.ceil)];
  return from === to ? from : t.line.waitOf(from, to);
}

const dearestFirst = (one: { price: number }, other: { price: number }): number => other.price - one.price;

function Left({ queue }: { readonly queue: Queue | undefined }) {
  const { t } = useLanguage();
  return (
    <section className="line-left" aria-labelledby="left">
      <h2 id="left">{t.line.seatsLeft}</h2>
      <ul>
        {queue?.seatsLeft.toSorted(dearestFirst).map(({ grade, price, left }) => (
          <li key={`${grade} ${price}`} className="number">
            <b>{grade}</b>
            <span className="soft">{t.points(price)}</span>
            <span>{left === 0 ? t.concert.none : t.seats(left)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function SoundChoice() {
  const { t } = useLanguage();
  const [isOn, setOn] = useState(isSoundOn);
  useEffect(readySound, []);
  return (
    <label className="line-sound">
      <input
        type="checkbox"
        checked={isOn}
        onChange={(event) => {
          setSound(event.target.checked);
          setOn(event.target.checked);
        }}
      />
      {t.line.sound}
    </label>
  );
}
