import { useState } from 'react';
import { bestAvailable } from '../api/best.ts';
import { useLanguage } from '../language.tsx';
import type { SeatIndex } from '../seat-index.ts';
import { Action } from './action.tsx';
import { Failure, Notice } from './notice.tsx';

type BestAvailableProps = {
  readonly performanceId: string;
  readonly index: SeatIndex;
  readonly onFound: (seatIds: readonly string[]) => void;
  readonly isDisabled: boolean;
};

const counts = [1, 2, 3, 4, 5, 6];

/** For who does not want to look for seats: n together, chosen by the server. */
export function BestAvailable({ performanceId, index, onFound, isDisabled }: BestAvailableProps) {
  const { t } = useLanguage();
  const [count, setCount] = useState(2);
  const [isFinding, setFinding] = useState(false);
  const [noneOf, setNoneOf] = useState(0);
  const [error, setError] = useState<unknown>(null);
  const find = async () => {
    setFinding(true);
    setError(null);
    try {
      const [best] = await bestAvailable(performanceId, count);
      setNoneOf(best ? 0 : count);
      if (best) onFound(index.known(best.seatIds).map(({ seatId }) => seatId));
    } catch (failure) {
      setError(failure);
    } finally {
      setFinding(false);
    }
  };
  return (
    <div className="best">
      <label className="best-count">
        <span>{t.seatScreen.best}</span>
        <select
          aria-label={t.seatScreen.howMany}
          value={count}
          onChange={(event) => setCount(Number(event.target.value))}
        >
          {counts.map((n) => (
            <option key={n} value={n}>
              {t.seatScreen.together(n)}
            </option>
          ))}
        </select>
      </label>
      <Action
        tone="quiet"
        onAct={() => void find()}
        busy={isFinding && t.seatScreen.finding}
        isDisabled={isDisabled}
      >
        {t.seatScreen.find}
      </Action>
      {noneOf > 0 && <Notice tone="warn" what={t.seatScreen.noneTogether(noneOf)} isAlert />}
      {error !== null && <Failure error={error} />}
    </div>
  );
}
