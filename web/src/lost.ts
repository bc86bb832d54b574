import type { Suggestion } from './api/best.ts';
import type { Refusal } from './api/refusal.ts';

/** Chosen seats that another fan took. */
export type Lost = {
  readonly seatIds: readonly string[];
  /** As the refusal told them; null when they are not known yet, and are to be asked for. */
  readonly alternatives: readonly Suggestion[] | null;
  /** How many the fan had chosen. */
  readonly wanted: number;
};

/** Who loses seats one after another has lost all of them, and wants as many as before; one chosen again is lost no more. */
export function lostAlso(before: Lost | null, gone: readonly string[], chosen: readonly string[]): Lost {
  const still = before?.seatIds.filter((id) => !chosen.includes(id)) ?? [];
  return {
    seatIds: [...new Set([...still, ...gone])],
    alternatives: null,
    wanted: Math.max(before?.wanted ?? 0, chosen.length),
  };
}

/** The server tells what it would choose instead only where it knows that at once. */
export function lostByRefusal(refusal: Refusal, chosen: readonly string[]): Lost {
  const seatIds = refusal.list('seatIds').filter((id) => typeof id === 'string');
  const alternatives = alternativesOf(refusal);
  return { seatIds, alternatives: alternatives.length > 0 ? alternatives : null, wanted: chosen.length };
}

/** Nothing of its shape is trusted. */
function alternativesOf(refusal: Refusal): Suggestion[] {
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
