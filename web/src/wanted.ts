import type { Concert } from './api/wire.ts';

/** What a fan looks for in the season. It stands in the address: Back and a reload keep it, and it can be sent to a friend. */
export type Wanted = { readonly words: string; readonly filter: Filter; readonly venue: string };
export type Filter = 'all' | 'open' | 'soon';

export const filters: readonly Filter[] = ['all', 'open', 'soon'];
export const everything: Wanted = { words: '', filter: 'all', venue: '' };

export const wantedOf = (address: URLSearchParams): Wanted => ({
  words: address.get('search') ?? '',
  filter: filters.find((one) => one === address.get('show')) ?? 'all',
  venue: address.get('hall') ?? '',
});

/** Only what is not as usual: the address of the whole season is bare. */
export const addressOf = ({ words, filter, venue }: Wanted): URLSearchParams =>
  new URLSearchParams({
    ...(words !== '' && { search: words }),
    ...(filter !== 'all' && { show: filter }),
    ...(venue !== '' && { hall: venue }),
  });

/** In both languages, whichever is shown: a fan types the name as they know it. */
export function isWanted(
  { translations, saleState, venue: at }: Pick<Concert, 'translations' | 'saleState' | 'venue'>,
  { words, filter, venue }: Wanted,
): boolean {
  const { ko, en } = translations;
  const text = [ko, en]
    .flatMap((one) => [one.title, one.artist, one.venue])
    .join('\n')
    .toLowerCase();
  const hasWords = words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
  const isShown =
    filter === 'all' ||
    (filter === 'soon' ? saleState === 'scheduled' : saleState === 'open' || saleState === 'paused');
  return hasWords && isShown && (venue === '' || at === venue);
}
