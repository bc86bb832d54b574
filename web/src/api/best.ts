import { get } from './client.ts';

/** What the server would choose: up to three groups of seats next to each other, the best or the nearest first. */
export type Suggestion = { readonly seatIds: readonly string[] };

export async function bestAvailable(
  performanceId: string,
  count: number,
  near: readonly string[] = [],
  signal?: AbortSignal,
): Promise<Suggestion[]> {
  const query = new URLSearchParams({ count: String(count), ...(near.length > 0 && { near: near.join() }) });
  const { items } = await get<{ items: Suggestion[] }>(
    `/performances/${performanceId}/best-available?${query}`,
    signal,
  );
  return items;
}
