import type { Database, Queryable } from '@tutti/kit/postgres';
import type { DatabaseName } from '../system.ts';
import type { Snapshots } from './invariant.ts';

export type Databases = Readonly<Record<DatabaseName, Database>>;

/** What is still under way. Rows of different databases can only be compared when it is nothing. */
export type Unrest = { readonly openSagas: number; readonly dueDeliveries: number };

export const isDrained = ({ openSagas, dueDeliveries }: Unrest): boolean => openSagas + dueDeliveries === 0;

/** A delivery that nobody tries for so long is not under way any more; invariant 10 reports it. */
export const deliveryPatienceSeconds = 120;

/**
 * Takes one snapshot of each database and tells what moved meanwhile. No transaction spans them, so the cut is made
 * certain by the order: the sagas are looked at first and last. When none was open and none has ended in between, no
 * effect of a saga was written in between either.
 */
export async function withSnapshots<T>(
  databases: Databases,
  work: (snapshots: Snapshots, unrest: Unrest) => Promise<T>,
): Promise<T> {
  return snapshotOf(databases.orchestrator, (orchestrator) =>
    snapshotOf(databases.user, (user) =>
      snapshotOf(databases.concert, (concert) =>
        snapshotOf(databases.payment, (payment) =>
          snapshotOf(databases.partner, (partner) =>
            snapshotOf(databases.waiting_room, async (waiting_room) => {
              const openSagas = await countMoving(orchestrator, databases.orchestrator);
              const dueDeliveries = await countDue(partner);
              const snapshots = { orchestrator, user, concert, payment, partner, waiting_room };
              return work(snapshots, { openSagas, dueDeliveries });
            }),
          ),
        ),
      ),
    ),
  );
}

const snapshotOf = <T>(database: Database, work: (snapshot: Queryable) => Promise<T>): Promise<T> =>
  database.transaction(async (tx) => {
    await tx.query('set transaction isolation level repeatable read, read only');
    // One side of a comparison may wait long for the other; all of every cursor is read.
    for (const setting of ['statement_timeout = 0', 'idle_in_transaction_session_timeout = 0'])
      await tx.query(`set local ${setting}`);
    await tx.query('set local cursor_tuple_fraction = 1');
    await tx.query(`set local work_mem = '64MB'`);
    // The first statement that reads takes the snapshot, not `begin`.
    await tx.query('select 1');
    return work(tx);
  });

/** Sagas that were open in the snapshot, or are now, or have ended since. */
async function countMoving(snapshot: Queryable, latest: Queryable): Promise<number> {
  const isOpen = `status in ('running', 'compensating')`;
  const [before] = await snapshot.query<{ open: number; at: string }>(
    `select count(*) as open, now()::text as at from saga where ${isOpen}`,
  );
  const [since] = await latest.query<{ moving: number }>(
    `select count(*) as moving from saga where ${isOpen} or ended_at > $1::timestamptz`,
    [before?.at],
  );
  return Math.max(before?.open ?? 0, since?.moving ?? 0);
}

async function countDue(partner: Queryable): Promise<number> {
  const [row] = await partner.query<{ due: number }>(
    `select count(*) as due from delivery
     where delivered_at is null and set_aside_at is null and last_error is null
       and greatest(next_attempt_at, pg_postmaster_start_time()) > now() - interval '${deliveryPatienceSeconds} seconds'`,
  );
  return row?.due ?? 0;
}
