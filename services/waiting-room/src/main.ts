import type { AdmissionRefusal, Admitted, Place, SaleQueries, WaitingRoomQueries } from '@tutti/contracts';
import { Lease, leaseMigrations } from '@tutti/kit/lock';
import { Database, migrate, type Connection } from '@tutti/kit/postgres';
import { isOutOfReach, uuidv7, type Log } from '@tutti/kit/service';
import { watchDatabase, type ServiceTelemetry } from '@tutti/kit/telemetry';
import { Admissions } from './admissions.ts';
import { Batches } from './batches.ts';
import { paceAtOpening, waitBeforeOpening, waitOf } from './line.ts';
import { Mover } from './mover.ts';
import { numberOf, Sales, type KnownSale } from './sales.ts';
import { LineStore, type FanOfSale, type Joined, type Standing } from './store.ts';
import { LineTokens } from './tokens.ts';

export const waitingRoomMigrations = [
  leaseMigrations,
  { name: 'waiting-room', folder: new URL('../migrations/', import.meta.url) },
];

export type WaitingRoomService = {
  queries: WaitingRoomQueries;
  ready(): Promise<void>;
  stop(): Promise<void>;
};

export type WaitingRoomOptions = {
  connection: Connection;
  /** The seats, and who holds them: asked, never told. */
  sales: SaleQueries;
  log: Log;
  /** Signs places and admissions; the gateway checks the latter with it. */
  admissionTokenKey: Buffer;
  /** How long a fan may be inside who holds nothing. */
  admissionSeconds: number;
  leaseSeconds?: number;
  telemetry?: ServiceTelemetry | undefined;
};

export const joinsMost = { batchMax: 2_000, waitingMax: 20_000 };
const joinListMost = 10_000;

export async function startWaitingRoom(options: WaitingRoomOptions): Promise<WaitingRoomService> {
  const { connection, log, admissionTokenKey, admissionSeconds, leaseSeconds = 5, telemetry } = options;
  const database = new Database(connection, { connectionsMax: 4 });
  // What moves the lines, and what is known of them, never stands behind the questions of the crowd.
  const moving = new Database(connection, { connectionsMax: 2 });
  await migrate(database, waitingRoomMigrations);
  const store = new LineStore(database);
  const movingStore = new LineStore(moving);
  const catalogue = options.sales;
  const sales = new Sales(movingStore, () => catalogue.sales());
  const tokens = new LineTokens(admissionTokenKey);
  const joins = new Batches<FanOfSale, Joined>((batch) => store.join(batch), joinsMost);
  const admissions = new Admissions({ store, catalogue, tokens, admissionSeconds });
  const lease = new Lease({ database: moving, name: 'move-lines', owner: uuidv7(), seconds: leaseSeconds });
  const mover = new Mover({ store: movingStore, sales, catalogue, tokens, lease, log });
  const ready = async () => {
    // Many who ask are no reason to be taken for dead.
    await moving.query('select 1');
  };
  if (telemetry) watch(telemetry, ready, mover);

  return {
    queries: {
      join: async (concertId, userId) => {
        const sale = await sales.find(concertId);
        if (!sale) return 'no_waiting_room';
        if (sale.phase === 'closed') return 'sale_closed';
        if (sale.phase === 'sold_out') return 'sold_out';
        const fan = { sale: sale.row.id, fan: userId };
        const { arrival, isNew } = await joins.add(fan);
        const queueToken = tokens.place(concertId, userId, arrival);
        const number = numberOf(sale, arrival);
        if (number === undefined) return { queueToken, isNew, ...beforeOpening(sale, arrival) };
        const standing = isNew ? undefined : await store.standing({ ...fan, number });
        return { queueToken, isNew, ...inLine(sale, number, standing) };
      },
      queue: async (concertId) => (await sales.find(concertId))?.document ?? null,
      joins: async (concertId, from) => {
        const { row } = (await sales.findDrawn(concertId)) ?? {};
        if (!row || row.preQueueSize === null || row.seed === null) return null;
        const below = Math.min(from + joinListMost, row.preQueueSize);
        return from < below ? store.joins(row.id, from, below) : [];
      },
      admit: async (concertId, userId, queueToken) => {
        const sale = await sales.find(concertId);
        return sale
          ? answered(admissions.admit(sale, userId, tokens.verifyPlace(queueToken)))
          : { code: 'no_waiting_room' };
      },
      leave: async (concertId, userId) => {
        const sale = await sales.find(concertId);
        if (!sale) return 'no_waiting_room';
        await store.leave({ sale: sale.row.id, fan: userId });
        return 'left';
      },
    },
    ready,
    stop: async () => {
      await mover.stop();
      await Promise.all([joins.stop(), admissions.stop()]);
      await Promise.all([database.close(), moving.close()]);
    },
  };
}

type Told<Kind extends Place> = Omit<Kind, 'queueToken' | 'isNew'>;
type PreQueued = Extract<Place, { status: 'pre_queue' }>;

/** Where a fan stands, as well as it was known a second ago. */
function beforeOpening(
  { row: { joined, opensInSeconds, pace, inside } }: KnownSale,
  arrival: number,
): Told<PreQueued> {
  const ahead = Math.max(joined - 1, arrival);
  const estimatedWaitSeconds = waitBeforeOpening(opensInSeconds, ahead + 1, { pace, inside });
  return { status: 'pre_queue', arrival, ahead, estimatedWaitSeconds };
}

/** Whoever has just come has not been inside before. */
function inLine(
  { row: { serving, paceNow, pace, inside } }: KnownSale,
  number: number,
  standing: Standing = { isInside: false, ahead: Math.max(0, number - serving - 1) },
): Told<Exclude<Place, PreQueued>> {
  if (standing.isInside)
    return { status: 'admitted', number, ahead: 0, estimatedWaitSeconds: { low: 0, high: 0 } };
  const { ahead } = standing;
  // At the door, and nobody before: that is the turn itself.
  const steps = ahead === 0 && number <= serving ? 0 : ahead + 1;
  const told = paceNow.perSecond > 0 ? paceNow : paceAtOpening({ pace, inside });
  return { status: 'waiting', number, ahead, estimatedWaitSeconds: waitOf(steps, told, serving) };
}

/** What cannot be recorded now can be in a moment. */
async function answered(
  admitting: Promise<Admitted | AdmissionRefusal>,
): Promise<Admitted | AdmissionRefusal> {
  try {
    return await admitting;
  } catch (error) {
    if (isOutOfReach(error)) return { code: 'overloaded' };
    throw error;
  }
}

function watch(telemetry: ServiceTelemetry, ready: () => Promise<void>, mover: Mover): void {
  watchDatabase(telemetry, 'waiting-room', ready);
  telemetry.meters.gauge(
    {
      name: 'tutti_lease_held',
      help: 'Whether this process does a job that has one owner.',
      labels: ['lease'],
    },
    () => [[mover.isOwner ? 1 : 0, 'move-lines']],
  );
}
