import { get } from './client.ts';

/** Seats next to each other that the server would choose. */
export type Suggestion = { readonly seatIds: readonly string[] };

/** The best that are left, or, with `near`, the nearest of the same grade and price; up to three, the first first. */
export async function bestAvailable(
  performanceId: string,
  together: number,
  near: readonly string[] = [],
  signal?: AbortSignal,
): Promise<readonly Suggestion[]> {
  const query = new URLSearchParams({
    together: String(together),
    ...(near.length > 0 && { near: near.join() }),
  });
  const { items } = await get<{ items: Suggestion[] }>(
    `/performances/${performanceId}/best?${query}`,
    signal,
  );
  return items;
}
