/** The services that are processes of their own, in the order in which they are started. */
export const services = [
  'user',
  'concert',
  'payment',
  'partner',
  'orchestrator',
  'waiting-room',
  'gateway',
] as const;
export type Service = (typeof services)[number];

/** Services that keep something: a database and a role that sees no other. */
export const withDatabase = [
  'user',
  'concert',
  'payment',
  'partner',
  'orchestrator',
  'waiting-room',
] as const;
export type ServiceWithDatabase = (typeof withDatabase)[number];

/** Databases, roles and variables have names that need no quotes. */
export const databaseOf = (service: ServiceWithDatabase): string => service.replaceAll('-', '_');

/** Services that send or obey messages; the rest is only asked. */
export const onBus = ['user', 'concert', 'payment', 'partner', 'orchestrator', 'gateway'] as const;
export type ServiceOnBus = (typeof onBus)[number];

/** One process: a service and which of its replicas. Its ports stay the same for as long as the cluster runs. */
export type Replica = {
  readonly service: Service;
  readonly number: number;
  /** Answers queries; the gateway has HTTP instead. */
  readonly port: number;
  readonly healthPort: number;
};

export const nameOf = ({ service, number }: Pick<Replica, 'service' | 'number'>): string =>
  `${service}-${number}`;

/** Who may send what: the streams a service reads are its own; everything else it can only send to. */
export const streams: Readonly<Record<ServiceOnBus, { consumes: string; publishes: readonly string[] }>> = {
  user: { consumes: 'user', publishes: ['sagas.replies.*'] },
  concert: { consumes: 'concert', publishes: ['sagas.replies.*'] },
  payment: { consumes: 'payment', publishes: ['sagas.replies.*'] },
  partner: { consumes: 'partner', publishes: ['sagas.replies.*'] },
  orchestrator: {
    consumes: 'sagas',
    publishes: [
      'user.commands',
      'concert.commands',
      'payment.commands',
      'partner.commands',
      'gateway.answers.*',
    ],
  },
  gateway: { consumes: 'gateway', publishes: ['sagas.start'] },
};

/** What a process is started with beside what all have: where the parts are that it asks. */
export type Places = {
  readonly host: string;
  readonly replicas: readonly Replica[];
  readonly databaseUrls: Readonly<Record<ServiceWithDatabase, string>>;
  readonly natsUrls: Readonly<Record<ServiceOnBus, string>>;
  readonly redisUrl: string;
  /** Values for all of one service's processes, by service. */
  readonly settings: Readonly<Partial<Record<Service, Readonly<Record<string, string>>>>>;
  readonly logLevel: string;
};

/** The environment of one process. */
export function environmentOf(replica: Replica, places: Places): Record<string, string> {
  const { service, number, port, healthPort } = replica;
  const { host, databaseUrls, natsUrls, redisUrl, settings, logLevel } = places;
  const common = {
    HOST: host,
    REPLICA: String(number),
    PORT: String(port),
    HEALTH_PORT: String(healthPort),
    LOG_LEVEL: logLevel,
    ...(service !== 'waiting-room' && { NATS_URL: natsUrls[service] }),
    ...settings[service],
  };
  const own = { ...common, ...(service !== 'gateway' && { DATABASE_URL: databaseUrls[service] }) };
  if (service === 'waiting-room') return { ...own, CONCERT_ADDRESSES: addressesOf(places, 'concert') };
  if (service !== 'gateway') return own;
  const addresses = Object.fromEntries(
    withDatabase.map((name) => [`${databaseOf(name).toUpperCase()}_ADDRESSES`, addressesOf(places, name)]),
  );
  return { ...own, REDIS_URL: redisUrl, ...addresses };
}

const addressesOf = ({ host, replicas }: Places, wanted: Service): string =>
  replicas
    .filter(({ service }) => service === wanted)
    .map(({ port }) => `${host}:${port}`)
    .join();
