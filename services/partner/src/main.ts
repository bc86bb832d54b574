import { partner, type PartnerQueries } from '@tutti/contracts';
import type { Bus } from '@tutti/kit/messaging';
import { commandSettings, journalMigrations, Participant } from '@tutti/kit/participant';
import { Database, migrate, type Connection } from '@tutti/kit/postgres';
import type { Log } from '@tutti/kit/service';
import { watchDatabase, type ServiceTelemetry } from '@tutti/kit/telemetry';
import { Deliverer } from './deliverer.ts';
import { PartnerStore } from './store.ts';
import { PartnerStub } from './stub.ts';
import { WebhookSigner } from './webhook.ts';
import { HttpWire } from './wire.ts';

export { PartnerStub } from './stub.ts';
export { WebhookSigner } from './webhook.ts';

export const partnerMigrations = [
  journalMigrations,
  { name: 'partner', folder: new URL('../migrations/', import.meta.url) },
];

export type PartnerService = {
  queries: PartnerQueries;
  stub: PartnerStub;
  /** Begins to deliver: the receiver may be this very process, which has to listen first. */
  deliverTo(url: URL): void;
  ready(): Promise<void>;
  stop(): Promise<void>;
};

export type PartnerOptions = {
  bus: Bus;
  connection: Connection;
  log: Log;
  secret: string;
  telemetry?: ServiceTelemetry | undefined;
};

export async function startPartner({
  bus,
  connection,
  log,
  secret,
  telemetry,
}: PartnerOptions): Promise<PartnerService> {
  const database = new Database(connection);
  await migrate(database, partnerMigrations);
  const commands = new Database(connection, { connectionsMax: 2, settings: commandSettings });
  const store = new PartnerStore(database);
  const signer = new WebhookSigner(secret);
  let deliverer: Deliverer | undefined;
  const participant = new Participant({
    bus,
    log,
    service: 'partner',
    database: commands,
    effects: Object.values(partner).map(({ name }) => name),
    // A delivery has the id of the saga that made it.
    afterCommit: (batch) => deliverer?.deliver(batch.map(({ saga }) => saga)),
    telemetry,
  });
  const ready = async () => {
    await database.query('select 1');
  };
  if (telemetry) {
    watchDatabase(telemetry, 'partner', ready);
    showBacklog(telemetry, store);
  }
  return {
    queries: {
      undelivered: (limit) => store.undelivered(limit),
      replay: async (deliveryId) => {
        const isThere = await store.replay(deliveryId);
        if (isThere) deliverer?.wake();
        return isThere;
      },
    },
    stub: new PartnerStub(store, signer),
    deliverTo: (url) => {
      deliverer = new Deliverer({ store, signer, wire: new HttpWire(url), log, telemetry });
    },
    ready,
    stop: async () => {
      await participant.stop();
      await deliverer?.stop();
      await Promise.all([database.close(), commands.close()]);
    },
  };
}

function showBacklog({ meters }: ServiceTelemetry, store: PartnerStore): void {
  meters.gauge(
    {
      name: 'tutti_deliveries_undelivered',
      help: 'Deliveries that the partner has not taken: still tried, or set aside for an operator.',
      labels: ['state'],
    },
    async () => {
      const { due, setAside } = await store.backlog();
      return [
        [due, 'due'],
        [setAside, 'set_aside'],
      ];
    },
  );
  meters.gauge(
    { name: 'tutti_delivery_oldest_seconds', help: 'Age of the oldest delivery that is still tried.' },
    async () => [[(await store.backlog()).oldestSeconds]],
  );
}
