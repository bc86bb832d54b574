import { expect, test } from 'vitest';
import { addressOf, everything, isWanted, wantedOf, type Wanted } from './wanted.ts';

const concert = {
  saleState: 'open',
  venue: 'Lantern Room',
  translations: {
    ko: { title: '블루 아워: 스탠더드의 밤', artist: '윤하루 트리오', venue: '랜턴룸' },
    en: { title: 'Blue Hour: An Evening of Standards', artist: 'Yun Haru Trio', venue: 'Lantern Room' },
  },
} as const;

const finds = (wanted: Partial<Wanted>): boolean => isWanted(concert, { ...everything, ...wanted });

test('a concert is found by its words in either language, its sale and its hall', () => {
  expect(finds({})).toBe(true);
  expect(finds({ words: ' haru  BLUE ' })).toBe(true);
  expect(finds({ words: '스탠더드 lantern' })).toBe(true);
  expect(finds({ words: 'blue mahler' })).toBe(false);
  expect(finds({ filter: 'open', venue: 'Lantern Room' })).toBe(true);
  expect(finds({ filter: 'soon' })).toBe(false);
  expect(finds({ venue: 'Miru Arena' })).toBe(false);
});

test('what is looked for stands in the address, and is read from it again', () => {
  const wanted: Wanted = { words: '말러 & 2', filter: 'soon', venue: 'Garam Concert Hall' };
  expect(wantedOf(new URLSearchParams(addressOf(wanted).toString()))).toEqual(wanted);
  expect(addressOf(everything).toString()).toBe('');
  expect(wantedOf(new URLSearchParams('show=nonsense&other=1'))).toEqual(everything);
});
