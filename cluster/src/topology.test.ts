import { describe, expect, test } from 'vitest';
import {
  environmentOf,
  onBus,
  services,
  streams,
  withDatabase,
  type Places,
  type Replica,
} from './topology.ts';

const replicas: Replica[] = services.flatMap((service, at) =>
  [1, 2].map((number) => ({
    service,
    number,
    port: 7_000 + at * 10 + number,
    healthPort: 9_000 + at * 10 + number,
  })),
);
const places: Places = {
  host: '127.0.0.1',
  replicas,
  databaseUrls: {
    user: 'db-of-user',
    concert: 'db-of-concert',
    payment: 'db-of-payment',
    partner: 'db-of-partner',
    orchestrator: 'db-of-orchestrator',
    'waiting-room': 'db-of-waiting-room',
  },
  natsUrls: {
    user: 'nats-of-user',
    concert: 'nats-of-concert',
    payment: 'nats-of-payment',
    partner: 'nats-of-partner',
    orchestrator: 'nats-of-orchestrator',
    gateway: 'nats-of-gateway',
  },
  redisUrl: 'redis-of-all-gateways',
  settings: {
    user: { ACCESS_TOKEN_KEY: 'key' },
    gateway: { ACCESS_TOKEN_KEY: 'key' },
    partner: { PARTNER_SECRET: 's' },
  },
  logLevel: 'info',
};
const environment = (service: string) => {
  const replica = replicas.find((one) => one.service === service);
  if (!replica) throw new Error(`There is no ${service}.`);
  return environmentOf(replica, places);
};

describe('the environment of a process', () => {
  test('a gateway knows where all replicas of every service are', () => {
    expect(environment('gateway')).toMatchObject({
      USER_ADDRESSES: '127.0.0.1:7001,127.0.0.1:7002',
      CONCERT_ADDRESSES: '127.0.0.1:7011,127.0.0.1:7012',
      ORCHESTRATOR_ADDRESSES: '127.0.0.1:7041,127.0.0.1:7042',
      WAITING_ROOM_ADDRESSES: '127.0.0.1:7051,127.0.0.1:7052',
      REDIS_URL: 'redis-of-all-gateways',
    });
  });

  test.each(withDatabase)(
    '%s is told of its own database and its own key to the queue, and of no other',
    (service) => {
      const text = JSON.stringify(environment(service));
      expect(text).toContain(`db-of-${service}`);
      expect(text.includes(`nats-of-${service}`)).toBe(service !== 'waiting-room');
      for (const other of withDatabase.filter((one) => one !== service)) {
        expect(text).not.toContain(`db-of-${other}"`);
        expect(text).not.toContain(`nats-of-${other}"`);
      }
    },
  );

  test('what signs access tokens is known to who signs and who checks them', () => {
    const knowing = services.filter((service) => 'ACCESS_TOKEN_KEY' in environment(service));
    expect(knowing).toEqual(['user', 'gateway']);
  });
});

test('every subject that somebody sends to belongs to the stream of one service', () => {
  const owners = new Set(onBus.map((service) => streams[service].consumes));
  const sent = onBus.flatMap((service) =>
    streams[service].publishes.map((subject) => subject.split('.')[0] ?? ''),
  );
  expect(sent.filter((stream) => !owners.has(stream))).toEqual([]);
  expect(owners.size).toBe(onBus.length);
});
