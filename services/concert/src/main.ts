import { concert, type ConcertQueries, type SaleControls, type SaleQueries } from '@tutti/contracts';
import type { Bus } from '@tutti/kit/messaging';
import { commandSettings, journalMigrations, Participant } from '@tutti/kit/participant';
import { Lease, leaseMigrations } from '@tutti/kit/lock';
import { Database, migrate, type Connection } from '@tutti/kit/postgres';
import { uuidv7, type Log } from '@tutti/kit/service';
import { watchDatabase, type ServiceTelemetry } from '@tutti/kit/telemetry';
import { HoldExpirer } from './hold-expirer.ts';
import { SaleStore } from './sale-store.ts';
import { ConcertStore } from './store.ts';

export const concertMigrations = [
  journalMigrations,
  leaseMigrations,
  { name: 'concert', folder: new URL('../migrations/', import.meta.url) },
];

export type ConcertService = {
  queries: ConcertQueries;
  sales: SaleQueries & SaleControls;
  ready(): Promise<void>;
  stop(): Promise<void>;
};

export type ConcertOptions = {
  bus: Bus;
  connection: Connection;
  log: Log;
  holdSeconds: number;
  telemetry?: ServiceTelemetry | undefined;
};

export async function startConcert({
  bus,
  connection,
  log,
  holdSeconds,
  telemetry,
}: ConcertOptions): Promise<ConcertService> {
  const database = new Database(connection, { connectionsMax: 5 });
  // What the lines live on, and who ends holds, never stands behind a crowd that reads.
  const selling = new Database(connection, { connectionsMax: 3 });
  await migrate(database, concertMigrations);
  const commands = new Database(connection, {
    connectionsMax: 2,
    settings: { ...commandSettings, 'tutti.hold_seconds': holdSeconds },
  });
  const participant = new Participant({
    bus,
    log,
    service: 'concert',
    database: commands,
    effects: Object.values(concert).map(({ name }) => name),
    telemetry,
  });
  const lease = new Lease({ database: selling, name: 'expire-holds', owner: uuidv7(), seconds: 5 });
  const expirer = new HoldExpirer({ database: commands, lease, log });
  const ready = async () => {
    // Many who read are no reason to be taken for dead.
    await selling.query('select 1');
  };
  if (telemetry) {
    watchDatabase(telemetry, 'concert', ready);
    telemetry.meters.gauge(
      {
        name: 'tutti_lease_held',
        help: 'Whether this process does a job that has one owner.',
        labels: ['lease'],
      },
      () => [[expirer.isOwner ? 1 : 0, 'expire-holds']],
    );
  }
  return {
    queries: new ConcertStore(database),
    sales: new SaleStore(selling),
    ready,
    stop: async () => {
      await expirer.stop();
      await participant.stop();
      await Promise.all([database.close(), selling.close(), commands.close()]);
    },
  };
}
