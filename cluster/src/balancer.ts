import type { Replica } from './topology.ts';
import { nameOf } from './topology.ts';

/** HAProxy's configuration (deploy/haproxy.cfg) with the addresses of this cluster. */
export function balancerConfig(
  template: string,
  { bind, host, replicas }: { bind: string; host: string; replicas: readonly Replica[] },
): string {
  const lines = (service: string, port: (replica: Replica) => number): string =>
    replicas
      .filter((replica) => replica.service === service)
      .map((replica) => `  server ${nameOf(replica)} ${host}:${port(replica)}`)
      .join('\n');
  return template
    .replace('${BIND}', bind)
    .replace(
      '${GATEWAYS}',
      lines('gateway', ({ port }) => port),
    )
    .replace(
      '${PARTNERS}',
      lines('partner', ({ healthPort }) => healthPort),
    );
}
