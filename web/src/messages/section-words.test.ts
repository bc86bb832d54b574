import { expect, test } from 'vitest';
import { seatLabel } from '../seat-label.ts';
import { messages } from './index.ts';
import { koreanSection } from './section-words.ts';

test.each([
  ['Floor', '플로어'],
  ['Floor 3', '플로어 3'],
  ['Stalls Left', '1층 왼쪽'],
  ['Rear Stalls Centre', '1층 뒤쪽 가운데'],
  ['Boxes Right', '박스석 오른쪽'],
  ['Upper 207', '상층 207'],
  ['Rear 2', '뒤쪽 2'],
])('%s is %s', (name, korean) => {
  expect(koreanSection(name)).toBe(korean);
});

test.each(['1층 가구역', 'Orchestra Pit', 'Block A', 'Constructor', 'Stalls Left Garden', ''])(
  'a name that is not made of known words stays as it is: "%s"',
  (name) => {
    expect(koreanSection(name)).toBe(name);
  },
);

const venues = import.meta.glob<string>('../../../venues/*.yaml', {
  query: '?raw',
  import: 'default',
  eager: true,
});

test('every section of the venues that come with tutti has a name in Korean, and no two the same', () => {
  expect(Object.keys(venues).length).toBeGreaterThan(0);
  for (const [file, text] of Object.entries(venues)) {
    const names = [...text.matchAll(/^ {4}name: (.+)$/gm)].map(([, name = '']) => name);
    expect(names.length, file).toBeGreaterThan(0);
    const korean = names.map(koreanSection);
    expect(new Set(korean).size, file).toBe(names.length);
    for (const name of korean) expect(name, file).not.toMatch(/[A-Za-z]/);
  }
});

test('a seat is called by it everywhere', () => {
  expect(seatLabel('Rear Stalls Left · row 12 · seat 3', messages.ko)).toBe('1층 뒤쪽 왼쪽 12열 3번');
  expect(seatLabel('Rear Stalls Left · row 12 · seat 3', messages.en)).toBe(
    'Rear Stalls Left · row 12 · seat 3',
  );
});
