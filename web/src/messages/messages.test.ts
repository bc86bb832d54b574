import { refusals } from '@tutti/contracts';
import { describe, expect, test } from 'vitest';
import { languages, messages } from './index.ts';

/** Every sentence with its place, functions called with something of each kind they may be given. */
function sentencesOf(value: unknown, at: string): [string, string][] {
  if (typeof value === 'string') return [[at, value]];
  if (typeof value === 'function')
    return [[at, String(Reflect.apply(value, undefined, ['3', '5', '7', '9']))]];
  return Object.entries(value ?? {}).flatMap(([name, inner]) => sentencesOf(inner, `${at}.${name}`));
}

describe.each(languages)('messages in %s', (language) => {
  const { refusals: said, ...rest } = messages[language];

  test('say of every refusal what happened and what to do', () => {
    for (const code of Object.keys(refusals)) {
      expect(said[code]?.[0], code).toMatch(/[.요다]\.?$/);
      expect(said[code]?.[1], code).toMatch(/[.요다]\.?$/);
    }
  });

  test('have a sentence at every place, and none that was forgotten', () => {
    const other = sentencesOf(messages[language === 'ko' ? 'en' : 'ko'], '').map(([at]) => at);
    const mine = sentencesOf(messages[language], '');
    expect(mine.map(([at]) => at).toSorted()).toEqual(other.toSorted());
    for (const [at, sentence] of mine) expect(sentence.trim(), at).not.toBe('');
    for (const [at, sentence] of sentencesOf(rest, '')) {
      const isForeign = at.endsWith('anguage');
      if (language === 'en' && !isForeign) expect(sentence, at).not.toMatch(/[가-힣]/);
    }
  });
});
