import { payment, type PaymentQueries } from '@tutti/contracts';
import type { Bus } from '@tutti/kit/messaging';
import { commandSettings, journalMigrations, Participant } from '@tutti/kit/participant';
import { Database, migrate, type Connection } from '@tutti/kit/postgres';
import type { Log } from '@tutti/kit/service';
import { watchDatabase, type ServiceTelemetry } from '@tutti/kit/telemetry';
import { PaymentStore } from './store.ts';

export const paymentMigrations = [
  journalMigrations,
  { name: 'payment', folder: new URL('../migrations/', import.meta.url) },
];

export type PaymentService = { queries: PaymentQueries; ready(): Promise<void>; stop(): Promise<void> };

export async function startPayment(options: {
  bus: Bus;
  connection: Connection;
  log: Log;
  telemetry?: ServiceTelemetry | undefined;
}): Promise<PaymentService> {
  const { bus, connection, log, telemetry } = options;
  const database = new Database(connection);
  await migrate(database, paymentMigrations);
  const commands = new Database(connection, { connectionsMax: 2, settings: commandSettings });
  const store = new PaymentStore(database);
  const participant = new Participant({
    bus,
    log,
    service: 'payment',
    database: commands,
    effects: Object.values(payment).map(({ name }) => name),
    telemetry,
  });
  const ready = async () => {
    await database.query('select 1');
  };
  if (telemetry) watchDatabase(telemetry, 'payment', ready);
  return {
    queries: {
      balance: (userId) => store.balance(userId),
      entries: (userId, limit, before) => store.entries(userId, limit, before),
    },
    ready,
    stop: async () => {
      await participant.stop();
      await Promise.all([database.close(), commands.close()]);
    },
  };
}
