// The plain monolith: one transaction of one database per request, statement by statement, as it would be written by hand.

import { Database, sqlState, type Queryable } from '@tutti/kit/postgres';
import type { Log } from '@tutti/kit/service';
import { storeAnswer, storedAnswer } from '../door/answers.ts';
import { startDeliverer } from '../door/deliverer.ts';
import type { Asked, Flows, Reply } from '../door/door.ts';
import { databaseOf, runOn, serve, type Peer, type PeerConfig } from '../door/server.ts';
import {
  confirmPaid,
  deductPoints,
  deliveryOf,
  findUser,
  insertDelivery,
  lockFan,
  lookAtReservation,
  reserveSeats,
  type Outcome,
  type Run,
} from '../door/statements.ts';

async function openMonolith(config: PeerConfig, log: Log): Promise<Peer> {
  const connection = databaseOf(config, 'monolith');
  const database = new Database(connection, { connectionsMax: Number(config.settings['pool']) });
  const outbox = new Database(connection, { connectionsMax: 2 });
  const deliverer = startDeliverer(outbox, config, log);
  return {
    flows: flows(database, config.holdSeconds, () => deliverer.wake()),
    stop: async () => {
      await deliverer.stop();
      await Promise.all([database.close(), outbox.close()]);
    },
  };
}

function flows(database: Database, holdSeconds: number, wakeDeliverer: () => void): Flows {
  return {
    reserve: (asked, { performanceId, seatIds }) =>
      once(database, asked, async (run) => {
        const found = await findUser(run, asked.fan);
        if (!('ok' in found)) return found;
        await lockFan(run, asked.fan, performanceId);
        return reserveSeats(run, { id: asked.id, userId: asked.fan, performanceId, seatIds, holdSeconds });
      }),
    pay: async (asked, { reservationId }) => {
      const reply = await once(database, asked, (run) => pay(run, asked, reservationId));
      if (reply.status === 201) wakeDeliverer();
      return reply;
    },
  };
}

/** Too few points refuse before anything was written: the transaction has nothing to undo. */
async function pay(run: Run, { id, fan }: Asked, reservationId: string): Promise<Outcome<object>> {
  const found = await findUser(run, fan);
  if (!('ok' in found)) return found;
  const looked = await lookAtReservation(run, reservationId, id, fan);
  if (!('ok' in looked)) return looked;
  const { amount, version } = looked.ok;
  const deducted = await deductPoints(run, { payment: id, userId: fan, amount, reservationId });
  if (!('ok' in deducted)) return deducted;
  await confirmPaid(run, reservationId, looked.ok);
  await insertDelivery(run, deliveryOf(id, reservationId, looked.ok, version + 1));
  return { ok: { paymentId: id, reservationId, status: 'paid', amount, balance: deducted.ok.balance } };
}

/** The effect and the answer under the key in one transaction; a key that has an answer gets it again and nothing else. */
async function once(
  database: Database,
  asked: Asked,
  work: (run: Run) => Promise<Outcome<object>>,
): Promise<Reply> {
  try {
    return await database.transaction(async (tx: Queryable) => {
      const run = runOn(tx);
      return storeAnswer(run, asked, await work(run));
    });
  } catch (error) {
    if (sqlState(error) !== '23505') throw error;
    return storedAnswer(runOn(database), asked);
  }
}

await serve(openMonolith);
