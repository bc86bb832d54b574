import { expect, test } from 'vitest';
import { crashPoint, heldCrashPoint, parseCrashPoint } from './crash-point.ts';

test('a crash is ordered by the name of a point, a service where several share it, and how often it is passed', () => {
  expect(parseCrashPoint('saga.after-turn')).toEqual({
    point: 'saga.after-turn',
    service: undefined,
    nth: 1,
  });
  expect(parseCrashPoint('saga.after-turn:3')).toEqual({
    point: 'saga.after-turn',
    service: undefined,
    nth: 3,
  });
  expect(parseCrashPoint('partner/participant.after-commit:12')).toEqual({
    point: 'participant.after-commit',
    service: 'partner',
    nth: 12,
  });
});

test.each([
  '',
  'nowhere',
  'saga.after-turn:0',
  'saga.after-turn:',
  'saga.after-turn:x',
  '/saga.after-turn',
  'toString',
])('an order that nothing would obey is refused: "%s"', (text) => {
  expect(() => parseCrashPoint(text)).toThrow('CRASHPOINT must be the name of a crash point');
});

test('where nothing was ordered a point is passed', () => {
  expect(crashPoint('saga.after-turn')).toBeUndefined();
  expect(heldCrashPoint('saga.after-answer')).toBeUndefined();
});
