import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/**
 * Who a connection is counted with: the /24 of an IPv4 address, the /56 of an IPv6 one. Behind a balancer, which is a
 * neighbour, it is what the balancer says; null for a neighbour who says nothing.
 */
export function networkOf({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>): string | null {
  const peer = plain(socket.remoteAddress ?? '');
  if (!isNeighbour(peer)) return partOf(peer);
  const told = headers['x-forwarded-for'];
  // The last one is the balancer's own word; those before it are anybody's.
  const last = plain([told].flat().at(-1)?.split(',').at(-1)?.trim() ?? '');
  return isIP(last) === 0 || isLoopback(last) ? null : partOf(last);
}

const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');

const isLoopback = (address: string): boolean => /^127\.|^::1$/.test(address);

const isNeighbour = (address: string): boolean =>
  isLoopback(address) || /^10\.|^192\.168\.|^172\.(1[6-9]|2\d|3[01])\.|^f[cd]/i.test(address);

function partOf(address: string): string {
  if (isIP(address) === 4) return address.split('.').slice(0, 3).join('.');
  const [head = '', tail] = address.toLowerCase().split('%')[0]?.split('::') ?? [];
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length);
  const groups = [...front, ...Array.from({ length: zeros }, () => '0'), ...back];
  // Three groups and half of the fourth are 56 bits.
  return groups
    .slice(0, 4)
    .map((group, at) => (at < 3 ? group : group.padStart(4, '0').slice(0, 2)))
    .join(':');
}
