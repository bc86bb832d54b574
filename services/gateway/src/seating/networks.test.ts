import { expect, test } from 'vitest';
import { networkOf } from './networks.ts';

const from = (remoteAddress: string, forwarded?: string) =>
  networkOf({
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing else of it is looked at
    socket: { remoteAddress } as never,
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  });

test.each([
  ['203.0.113.7', undefined, '203.0.113'],
  ['::ffff:203.0.113.7', undefined, '203.0.113'],
  ['2001:db8:12:3456:a::1', undefined, '2001:db8:12:34'],
  ['2001:db8::1', undefined, '2001:db8:0:00'],
  // Who comes directly may say what they like.
  ['203.0.113.7', '198.51.100.1', '203.0.113'],
  // A balancer is a neighbour; it adds its word at the end.
  ['127.0.0.1', '198.51.100.1', '198.51.100'],
  ['10.0.0.3', '9.9.9.9, 198.51.100.1', '198.51.100'],
  ['::1', '2001:db8:12:3456::7', '2001:db8:12:34'],
  ['127.0.0.1', undefined, null],
  ['127.0.0.1', 'unknown', null],
  ['127.0.0.1', '127.0.0.1', null],
])('%s, forwarded for %s, is counted with %s', (address, forwarded, network) => {
  expect(from(address, forwarded)).toBe(network);
});
