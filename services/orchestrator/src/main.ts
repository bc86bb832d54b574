import type { OperationQueries } from '@tutti/contracts';
import type { Bus } from '@tutti/kit/messaging';
import { commandSettings } from '@tutti/kit/participant';
import { Database, migrate, type Connection } from '@tutti/kit/postgres';
import { Runner, sagaMigrations, SagaStore, type SagasOfOthers } from '@tutti/kit/saga';
import { uuidv7, type Log } from '@tutti/kit/service';
import { watchDatabase, type ServiceTelemetry } from '@tutti/kit/telemetry';
import { encodeAnswer } from './answers.ts';
import { cancelReservation } from './cancel-reservation.ts';
import { chargePoints } from './charge-points.ts';
import { payReservation } from './pay-reservation.ts';
import { reserveSeats } from './reserve-seats.ts';

export const sagas = [reserveSeats, payReservation, cancelReservation, chargePoints];

export type Orchestrator = {
  queries: OperationQueries;
  /** Throws when its database does not answer. */
  ready(): Promise<void>;
  /** Open sagas of versions that this build does not know: a newer or an older one has to finish them. */
  ofOtherBuilds(): Promise<SagasOfOthers[]>;
  stop(drainMs: number): Promise<void>;
};

export type OrchestratorOptions = {
  bus: Bus;
  connection: Connection;
  log: Log;
  alone: boolean;
  liveMax?: number;
  telemetry?: ServiceTelemetry | undefined;
};

export async function startOrchestrator(options: OrchestratorOptions): Promise<Orchestrator> {
  const { bus, connection, log, alone, liveMax, telemetry } = options;
  const database = new Database(connection, { settings: commandSettings });
  await migrate(database, [sagaMigrations]);
  const store = new SagaStore(database);
  const runner = new Runner({
    bus,
    log,
    alone,
    store,
    definitions: sagas,
    encode: encodeAnswer,
    owner: uuidv7(),
    telemetry,
    ...(liveMax !== undefined && { liveMax }),
    // Under overload new holds are refused first and payments of existing ones last.
    shares: { 'reserve-seats': 0.75, 'charge-points': 0.75 },
  });
  await runner.start();
  const ready = async () => {
    await database.query('select 1');
  };
  const ofOtherBuilds = () => store.ofOthers(sagas);
  if (telemetry) {
    watchDatabase(telemetry, 'orchestrator', ready);
    telemetry.meters.gauge(
      {
        name: 'tutti_sagas_of_other_builds',
        help: 'Open sagas of versions that this build does not know.',
        labels: ['saga', 'version'],
      },
      async () => (await ofOtherBuilds()).map(({ name, version, open }) => [open, name, String(version)]),
    );
  }
  return {
    queries: {
      operation: (operationId, userId) => runner.operation(operationId, userId),
      isKnown: (userId, route, key) => store.isKnown(userId, route, key),
      stuck: (limit) => runner.stuckOperations(limit),
    },
    ready,
    ofOtherBuilds,
    stop: async (drainMs) => {
      await runner.stop(drainMs);
      await database.close();
    },
  };
}
