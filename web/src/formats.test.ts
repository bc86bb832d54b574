import { expect, test } from 'vitest';
import { formatsOf } from './formats.ts';
import { languages } from './messages/index.ts';

test.each(languages)('midnight in the hall is the beginning of a day: %s', (language) => {
  const format = formatsOf(language);
  const midnight = '2030-12-31T15:05:00.000Z';
  expect(format.time(midnight)).toBe('00:05');
  for (const said of [format.dateTime(midnight), format.stamp(midnight)]) {
    expect(said).toContain('00:05');
    expect(said).toContain('2031');
  }
});
