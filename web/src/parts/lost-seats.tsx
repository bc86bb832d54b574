import { useQuery } from '@tanstack/react-query';
import { bestAvailable, type Suggestion } from '../api/best.ts';
import type { Refusal } from '../api/refusal.ts';
import { useLanguage } from '../language.tsx';
import type { SeatIndex } from '../seat-index.ts';

export type Lost = {
  readonly seatIds: readonly string[];
  /** As the refusal told them; null when the stream told of the loss, and they are to be asked for. */
  readonly alternatives: readonly Suggestion[] | null;
  readonly wanted: number;
};

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
  const { data: asked } = useQuery({
    queryKey: ['alternatives', performanceId, lost.seatIds],
    queryFn: ({ signal }) => bestAvailable(performanceId, lost.wanted, lost.seatIds, signal),
    enabled: lost.alternatives === null,
    gcTime: 0,
  });
  const alternatives = lost.alternatives ?? asked;
  return (
    <section className="notice notice-wrong lost" role="alert">
      <div className="lost-head">
        <p className="notice-what">{t.seatScreen.lost(index.labels(lost.seatIds, t))}</p>
        <p>{alternatives?.length === 0 ? t.seatScreen.lostNone : t.seatScreen.lostText}</p>
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

/** What the refusal offers; nothing of its shape is trusted. */
export function alternativesOf(refusal: Refusal): Suggestion[] {
  return refusal.list('alternatives').flatMap((one) => {
    const ids = seatIdsOf(one);
    return ids.length > 0 ? [{ seatIds: ids }] : [];
  });
}

function seatIdsOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const list = 'seatIds' in value ? value.seatIds : value;
  return Array.isArray(list) ? list.filter((id) => typeof id === 'string') : [];
}
