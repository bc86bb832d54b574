/** The services that are processes of their own, in the order in which they are started. */
export const services = ['user', 'concert', 'payment', 'partner', 'orchestrator', 'gateway'] as const;
export type Service = (typeof services)[number];

/** Services that keep something: a database and a role that sees no other. */
export const withDatabase = ['user', 'concert', 'payment', 'partner', 'orchestrator'] as const;
export type ServiceWithDatabase = (typeof withDatabase)[number];

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
export const streams: Readonly<Record<Service, { consumes: string; publishes: readonly string[] }>> = {
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
  readonly natsUrls: Readonly<Record<Service, string>>;
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
    NATS_URL: natsUrls[service],
    LOG_LEVEL: logLevel,
    ...settings[service],
  };
  if (service !== 'gateway') return { ...common, DATABASE_URL: databaseUrls[service] };
  const addresses = Object.fromEntries(
    withDatabase.map((name) => [`${name.toUpperCase()}_ADDRESSES`, addressesOf(places, name)]),
  );
  return { ...common, REDIS_URL: redisUrl, ...addresses };
}

const addressesOf = ({ host, replicas }: Places, wanted: Service): string =>
  replicas
    .filter(({ service }) => service === wanted)
    .map(({ port }) => `${host}:${port}`)
    .join();
