import { describe, expect, test } from 'vitest';
import { Refusal } from './api/refusal.ts';
import { lostAlso, lostByRefusal } from './lost.ts';

describe('seats that are lost one after another', () => {
  test('are all lost, and as many are wanted as there were before the first', () => {
    const first = lostAlso(null, ['A-1'], ['A-1', 'A-2', 'A-3']);
    expect(lostAlso(first, ['A-3'], ['A-2', 'A-3'])).toEqual({
      seatIds: ['A-1', 'A-3'],
      alternatives: null,
      wanted: 3,
    });
  });

  test('are lost no more once they are chosen again', () => {
    const first = lostAlso(null, ['A-1', 'A-2'], ['A-1', 'A-2']);
    expect(lostAlso(first, ['B-1'], ['A-1', 'B-1']).seatIds).toEqual(['A-2', 'B-1']);
  });

  test('are offered anew: what suited the first loss does not suit both', () => {
    const first = { seatIds: ['A-1'], alternatives: [{ seatIds: ['C-1', 'C-2'] }], wanted: 2 };
    expect(lostAlso(first, ['A-2'], ['A-2']).alternatives).toBeNull();
  });
});

describe('a refusal', () => {
  const refused = (told: object) => new Refusal('seat_unavailable', 409, { ...told }, null);

  test('offers what it tells', () => {
    const told = { seatIds: ['A-1'], alternatives: [['B-1', 'B-2'], { seatIds: ['C-1'] }, 7, []] };
    expect(lostByRefusal(refused(told), ['A-1', 'A-2'])).toEqual({
      seatIds: ['A-1'],
      alternatives: [{ seatIds: ['B-1', 'B-2'] }, { seatIds: ['C-1'] }],
      wanted: 2,
    });
  });

  test('that tells no alternatives leaves them to be asked for', () => {
    expect(lostByRefusal(refused({ seatIds: ['A-1'] }), ['A-1']).alternatives).toBeNull();
    expect(lostByRefusal(refused({ seatIds: ['A-1'], alternatives: [] }), ['A-1']).alternatives).toBeNull();
  });
});
