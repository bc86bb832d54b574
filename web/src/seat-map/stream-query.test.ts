import { streamStart } from '@tutti/contracts/http';
import { expect, test } from 'vitest';
import { streamQuery } from './stream-query.ts';

test('the stream is told what is known by the names that the contract has for it', () => {
  const told = Object.fromEntries(new URLSearchParams(streamQuery({ version: 3, sequence: 41 })));
  expect(streamStart.strict().parse(told)).toEqual({ sequence: '41', version: '3' });
});
