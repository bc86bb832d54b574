import { useQuery } from '@tanstack/react-query';
import { bestAvailable, type Suggestion } from '../api/best.ts';
import { useLanguage } from '../language.tsx';
import type { Lost } from '../lost.ts';
import type { Messages } from '../messages/index.ts';
import type { SeatIndex } from '../seat-index.ts';

type LostSeatsProps = {
  readonly lost: Lost;
  readonly performanceId: string;
  readonly index: SeatIndex;
  /** Chosen seats that are still free. */
  readonly kept: readonly string[];
  readonly onTake: (seatIds: readonly string[]) => void;
  readonly onClose: () => void;
};

export function LostSeats({ lost, performanceId, index, kept, onTake, onClose }: LostSeatsProps) {
  const { t } = useLanguage();
  const { data: asked, isError } = useQuery({
    queryKey: ['alternatives', performanceId, lost.seatIds, lost.wanted],
    queryFn: ({ signal }) => bestAvailable(performanceId, lost.wanted, lost.seatIds, signal),
    enabled: lost.alternatives === null,
    gcTime: 0,
  });
  const alternatives = lost.alternatives ?? asked;
  return (
    <section className="notice notice-wrong lost" role="alert">
      <div className="lost-head">
        <p className="notice-what">{t.seatScreen.lost(index.labels(lost.seatIds, t))}</p>
        <p>
          {alternatives
            ? offerOf(alternatives, t)
            : isError
              ? t.refusals.seat_unavailable[1]
              : t.seatScreen.finding}
        </p>
      </div>
      <ul className="lost-list">
        {alternatives?.map(({ seatIds }, at) => (
          <li key={seatIds.join()}>
            <p>
              <span className="hidden">{t.seatScreen.alternative(at + 1)}: </span>
              {index.labels(seatIds, t)}
              <span className="number soft"> {t.points(index.amount(seatIds))}</span>
            </p>
            <button
              type="button"
              className="button button-quiet"
              onClick={() => onTake(seatIds.length < lost.wanted ? [...kept, ...seatIds] : seatIds)}
            >
              {t.seatScreen.take}
            </button>
          </li>
        ))}
      </ul>
      <button type="button" className="link" onClick={onClose}>
        {t.close}
      </button>
    </section>
  );
}

const offerOf = (alternatives: readonly Suggestion[], t: Messages): string =>
  alternatives.length === 0 ? t.seatScreen.lostNone : t.seatScreen.lostText;
