import { useEffect, useRef } from 'react';
import { Link } from 'wouter';
import { useAnnounce } from '../announcer.tsx';
import type { Admission } from '../api/line.ts';
import { clockOf } from '../formats.ts';
import { useLanguage } from '../language.tsx';
import { useTimeLeft } from './countdown.ts';
import { Notice } from './notice.tsx';

// The time that a fan has inside, after the line.

type TurnLeftProps = { readonly admission: Admission; readonly onEnded: (endsAt: string) => void };

const soonMs = 60_000;

/** Counts down; read out once, when it is the last minute. */
export function TurnLeft({ admission: { expiresAt }, onEnded }: TurnLeftProps) {
  const { t } = useLanguage();
  const announce = useAnnounce();
  const leftMs = useTimeLeft(expiresAt);
  const said = t.seatScreen.turnEnds(clockOf(leftMs));
  const isOver = leftMs <= 0;
  const isSoon = !isOver && leftMs <= soonMs;
  const shown = useRef(said);
  useEffect(() => {
    shown.current = said;
  });
  useEffect(() => {
    if (isSoon) announce(shown.current);
  }, [isSoon, announce]);
  useEffect(() => {
    if (isOver) onEnded(expiresAt);
  }, [isOver, onEnded, expiresAt]);
  return (
    <p className={`hall-turn number${isSoon ? ' is-soon' : ''}`} role="timer">
      {said}
    </p>
  );
}

type LineUpProps = { readonly code: string; readonly concertId: string; readonly performanceId: string };

/** Why the fan may not reserve now, and the way to the line. */
export function LineUp({ code, concertId, performanceId }: LineUpProps) {
  const { t } = useLanguage();
  const [what, todo] = t.refusals[code] ?? t.refusals.internal_error;
  return (
    <Notice tone="warn" what={what} todo={todo} isAlert={code !== 'admission_required'}>
      <Link className="button button-quiet" href={`/concerts/${concertId}/line/${performanceId}`}>
        {t.concert.lineUp}
      </Link>
    </Notice>
  );
}
