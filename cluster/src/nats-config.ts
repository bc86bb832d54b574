import { natsAuthorization, type NatsUser } from '@tutti/kit/jetstream';
import { onBus, streams, type ServiceOnBus } from './topology.ts';

export type NatsKey = ServiceOnBus | 'admin';
export const natsKeys: readonly NatsKey[] = [...onBus, 'admin'];

/** The whole configuration of the message queue: where it listens, where it stores, and who may do what. */
export function natsConfig(options: {
  listen: string;
  storeDir: string;
  passwordOf: (key: NatsKey) => string;
}): string {
  const { listen, storeDir, passwordOf } = options;
  const users: NatsUser[] = onBus.map((service) => ({
    user: service,
    password: passwordOf(service),
    consumes: [streams[service].consumes],
    publishes: streams[service].publishes,
  }));
  const admin: NatsUser = {
    user: 'admin',
    password: passwordOf('admin'),
    consumes: [],
    publishes: [],
    isAdmin: true,
  };
  return `listen: ${listen}
max_payload: 1MB
jetstream { store_dir: ${JSON.stringify(storeDir)}, max_file_store: 10GB, max_memory_store: 64MB }
${natsAuthorization([...users, admin])}`;
}

/** The same for a container: passwords come from its environment. `deploy/nats.conf` is this text. */
export const natsConfigForContainers = (): string =>
  natsConfig({ listen: '0.0.0.0:4222', storeDir: '/data', passwordOf: (key) => `from ${key}` }).replaceAll(
    /"from ([a-z]+)"/g,
    (_, key: string) => `$NATS_PASSWORD_${key.toUpperCase()}`,
  );
