import { expect, test } from 'vitest';
import { apply, readAll, readMessage, type Known } from './availability-change.ts';

const known: Known = { version: 3, sequence: 10, states: Uint8Array.of(0, 0, 0, 0) };

test('a message changes the seats that it names, and leaves what was known as it was', () => {
  const effect = apply(known, { version: 3, sequence: 12, changes: [[1, 2]] });
  expect(effect).toEqual({
    kind: 'known',
    known: { version: 3, sequence: 12, states: Uint8Array.of(0, 2, 0, 0) },
  });
  expect([...known.states]).toEqual([0, 0, 0, 0]);
});

test('what is not newer changes nothing, also when it is told twice', () => {
  const again = { version: 3, sequence: 10, changes: [[0, 1]] } as const;
  expect(apply(known, again)).toEqual({ kind: 'old' });
  expect(apply(known, { ...again, version: 2, sequence: 99 })).toEqual({ kind: 'old' });
});

test('another map, or a seat that there is not, means that nothing is known any more', () => {
  expect(apply(known, { version: 4, sequence: 11, changes: [] })).toEqual({ kind: 'gap' });
  expect(apply(known, { version: 3, sequence: 11, changes: [[4, 1]] })).toEqual({ kind: 'gap' });
});

test('a message is read from its id and its data', () => {
  expect(readMessage('7', '{"version":1,"changes":[[0,2],[5,1]]}')).toEqual({
    version: 1,
    sequence: 7,
    changes: [
      [0, 2],
      [5, 1],
    ],
  });
});

test.each([
  ['', '{"version":1,"changes":[]}'],
  ['7', 'not JSON'],
  ['7', 'null'],
  ['7', '{"version":"1","changes":[]}'],
  ['7', '{"version":1,"changes":[[0]]}'],
  ['7', '{"version":1,"changes":[[0,4]]}'],
  ['7', '{"version":1,"changes":[[0.5,1]]}'],
])('with the id "%s" %s is no message', (id, data) => {
  expect(readMessage(id, data)).toBeUndefined();
});

test('a reset says everything, or is not believed', () => {
  const told = readAll(JSON.stringify({ version: 2, sequence: 40, seats: btoa('\u00e4') }));
  expect(told).toEqual({ version: 2, sequence: 40, states: Uint8Array.of(0, 1, 2, 3) });
  expect(readAll('{}')).toBeUndefined();
  expect(readAll(JSON.stringify({ version: 2, sequence: 40, seats: '*' }))).toBeUndefined();
});
