// The same statements over three databases, one transaction after the other, and nothing that remembers how far it got: what a
// split costs when nobody makes it safe. A crash between two of its commits leaves a flow half done for ever.

import { Database, sqlState } from '@tutti/kit/postgres';
import type { Log } from '@tutti/kit/service';
import { replyOf, storeAnswer, storedAnswer } from '../door/answers.ts';
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
  markPaid,
  markReserved,
  reserveSeats,
  type Outcome,
} from '../door/statements.ts';

type Databases = { readonly user: Database; readonly concert: Database; readonly payment: Database };

async function openThree(config: PeerConfig, log: Log): Promise<Peer> {
  const options = { connectionsMax: Number(config.settings['pool']) };
  const open = (name: string) => new Database(databaseOf(config, name), options);
  const databases: Databases = { user: open('user'), concert: open('concert'), payment: open('payment') };
  const outbox = new Database(databaseOf(config, 'concert'), { connectionsMax: 2 });
  const deliverer = startDeliverer(outbox, config, log);
  return {
    flows: flows(databases, config.holdSeconds, () => deliverer.wake()),
    stop: async () => {
      await deliverer.stop();
      await Promise.all([...Object.values(databases), outbox].map((database) => database.close()));
    },
  };
}

function flows(databases: Databases, holdSeconds: number, wakeDeliverer: () => void): Flows {
  const { user, concert } = databases;
  return {
    reserve: (asked, { performanceId, seatIds }) =>
      answering(concert, asked, async () => {
        const found = await findUser(runOn(user), asked.fan);
        return concert.transaction(async (tx) => {
          const run = runOn(tx);
          if (!('ok' in found)) return storeAnswer(run, asked, found);
          await lockFan(run, asked.fan, performanceId);
          const wish = { id: asked.id, userId: asked.fan, performanceId, seatIds, holdSeconds };
          return storeAnswer(run, asked, await reserveSeats(run, wish));
        });
      }),
    pay: async (asked, { reservationId }) => {
      const reply = await answering(concert, asked, () => pay(databases, asked, reservationId));
      if (reply.status === 201) wakeDeliverer();
      return reply;
    },
  };
}

async function pay(
  { user, concert, payment }: Databases,
  asked: Asked,
  reservationId: string,
): Promise<Reply> {
  const { id, fan } = asked;
  const found = await findUser(runOn(user), fan);
  const marked = await concert.transaction(async (tx) => {
    const outcome = 'ok' in found ? await markPaid(runOn(tx), reservationId, id, fan) : found;
    if ('ok' in outcome) return outcome;
    // Somebody is at it, perhaps under this very key: that is no final answer.
    if (outcome.refused.code === 'payment_in_progress') return replyOf(asked, outcome);
    return storeAnswer(runOn(tx), asked, outcome);
  });
  if (!('ok' in marked)) return marked;
  const toPay = marked.ok;
  const order = { payment: id, userId: fan, amount: toPay.amount, reservationId };
  const deducted = await payment.transaction((tx) => deductPoints(runOn(tx), order));
  return concert.transaction(async (tx) => {
    const run = runOn(tx);
    let outcome: Outcome<object> = deducted;
    if ('ok' in deducted) {
      await confirmPaid(run, reservationId, toPay);
      await insertDelivery(run, deliveryOf(id, reservationId, toPay, toPay.version + 1));
      const { balance } = deducted.ok;
      outcome = { ok: { paymentId: id, reservationId, status: 'paid', amount: toPay.amount, balance } };
    } else await markReserved(run, reservationId, id);
    return storeAnswer(run, asked, outcome);
  });
}

/** A key that has an answer gets it again. */
async function answering(concert: Database, asked: Asked, work: () => Promise<Reply>): Promise<Reply> {
  try {
    return await work();
  } catch (error) {
    if (sqlState(error) !== '23505') throw error;
    return storedAnswer(runOn(concert), asked);
  }
}

await serve(openThree);
