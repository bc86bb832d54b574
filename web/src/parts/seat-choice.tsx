import type { Phase } from '../api/attempt.ts';
import { useLanguage } from '../language.tsx';
import type { SeatIndex } from '../seat-index.ts';
import { seatLabel } from '../seat-label.ts';
import { Action } from './action.tsx';
import { saidWhile } from './notice.tsx';

type SeatChoiceProps = {
  readonly index: SeatIndex;
  readonly selected: readonly string[];
  readonly onRemove: (seatId: string) => void;
  readonly phase: Phase | 'idle';
  readonly onReserve: () => void;
};

const seatsMax = 6;

/** What is chosen and what it comes to; on a phone it stays at the foot of the screen. */
export function SeatChoice({ index, selected, onRemove, phase, onReserve }: SeatChoiceProps) {
  const { t } = useLanguage();
  const seats = index.known(selected);
  const isBusy = phase !== 'idle';
  const meanwhile = saidWhile(phase, t);
  return (
    <div className="choice">
      <p className="choice-count" aria-live="polite">
        {seats.length === 0 ? t.seatScreen.noneChosen : t.seatScreen.chosen(seats.length, seatsMax)}
      </p>
      {seats.length === 0 && <p className="soft choice-hint">{t.seatScreen.hint}</p>}
      <ul className="choice-seats">
        {seats.map(({ seatId, label, grade, price }) => (
          <li key={seatId}>
            <span className="choice-label">
              <b>{grade}</b> <span>{seatLabel(label, t)}</span>
            </span>
            <span className="number">{t.points(price)}</span>
            <button
              type="button"
              className="choice-remove"
              aria-label={t.seatScreen.remove(seatLabel(label, t))}
              onClick={() => onRemove(seatId)}
            >
              <svg viewBox="0 0 16 16" aria-hidden="true">
                <path d="M4 4 12 12M12 4 4 12" />
              </svg>
            </button>
          </li>
        ))}
      </ul>
      <div className="choice-foot">
        <p className="choice-total">
          <span>{t.seatScreen.total}</span>
          <b className="number">{t.points(index.amount(selected))}</b>
        </p>
        <Action onAct={onReserve} isDisabled={seats.length === 0} busy={isBusy && t.seatScreen.reserving}>
          {t.seatScreen.reserve}
        </Action>
      </div>
      {meanwhile && (
        <p className="soft" role="status">
          {meanwhile.join(' ')}
        </p>
      )}
    </div>
  );
}
