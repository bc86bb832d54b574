import { packSeats } from '@tutti/contracts';
import { expect, test } from 'vitest';
import { differences, unpackStates } from './seat-state.ts';

test('what the server packs is what is unpacked, seat by seat', () => {
  const codes = '0123321000112233012';
  expect([...unpackStates(packSeats(codes))].slice(0, codes.length).join('')).toBe(codes);
});

test('seats beyond the last one cannot be had', () => {
  expect([...unpackStates(packSeats('00000'))]).toEqual([0, 0, 0, 0, 0, 3, 3, 3]);
});

test('only seats that both know can differ', () => {
  expect(differences(Uint8Array.of(0, 1, 2), Uint8Array.of(0, 2, 2, 1))).toEqual([1]);
});
