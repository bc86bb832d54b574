import type { Replica } from './topology.ts';
import { nameOf } from './topology.ts';

/** HAProxy's configuration (deploy/haproxy.cfg) with the addresses of this cluster. */
export function balancerConfig(
  template: string,
  { bind, host, replicas }: { bind: string; host: string; replicas: readonly Replica[] },
): string {
  const lines = (service: string, server: (replica: Replica) => string): string =>
    replicas
      .filter((replica) => replica.service === service)
      .map((replica) => `  server ${nameOf(replica)} ${host}:${server(replica)}`)
      .join('\n');
  return template
    .replace('${BIND}', bind)
    .replace(
      '${GATEWAYS}',
      lines('gateway', ({ port, healthPort }) => `${port} check port ${healthPort}`),
    )
    .replace(
      '${PARTNERS}',
      lines('partner', ({ healthPort }) => `${healthPort} check`),
    );
}
