import { isIPv4 } from 'node:net';
import { ConfigurationError } from '../service/index.ts';

/**
 * The gRPC target of what a person writes: `host:port`, several `ipv4:port` with commas between, or a target with its scheme
 * (`dns:///…`, `ipv6:…`, `unix:…`), which stays as it is. A name stands for all the addresses that it resolves to.
 */
export function targetOf(addresses: string): string {
  if (/^(dns|ipv4|ipv6|unix):/.test(addresses)) return addresses;
  const all = addresses.split(',').map((address) => address.trim());
  if (all.every((address) => isAddress(address))) return `ipv4:${all.join(',')}`;
  const [name] = all;
  if (all.length === 1 && name !== undefined && /^[A-Za-z0-9.-]+:\d{1,5}$/.test(name))
    return `dns:///${name}`;
  throw new ConfigurationError(
    `"${addresses}" must be host:port, or several addresses (1.2.3.4:port) with commas between.`,
  );
}

function isAddress(address: string): boolean {
  const [host = '', port = '', ...more] = address.split(':');
  return more.length === 0 && isIPv4(host) && /^\d{1,5}$/.test(port);
}
