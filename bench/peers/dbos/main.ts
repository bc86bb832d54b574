// DBOS Transact: a workflow per request, a transaction with its checkpoint per service, delivery as a child workflow.

import { DBOS } from '@dbos-inc/dbos-sdk';
import type { Connection } from '@tutti/kit/postgres';
import type { Log } from '@tutti/kit/service';
import { Pool, type PoolConfig } from 'pg';
import { replyOf } from '../door/answers.ts';
import { refusal, type Asked, type Flows, type Reply } from '../door/door.ts';
import { postToPartner } from '../door/partner-call.ts';
import { databaseOf, serve, type Peer, type PeerConfig } from '../door/server.ts';
import {
  confirmPaid,
  deductPoints,
  deliveryOf,
  findUser,
  lockFan,
  markPaid,
  markReserved,
  reserveSeats,
  type Delivery,
  type Outcome,
} from '../door/statements.ts';
import { NodePostgresSource } from './node-postgres-source.ts';

/** What a workflow returns; under a repeated key it is the first one's. */
type Result = { readonly outcome: Outcome<object>; readonly traceId: string; readonly fingerprint: string };

async function openDbos(config: PeerConfig, log: Log): Promise<Peer> {
  const poolOf = (name: string, size: string): PoolConfig => ({
    ...partsOf(databaseOf(config, name)),
    max: Number(config.settings[size]),
    idleTimeoutMillis: 0,
  });
  const systemPool = new Pool(poolOf('dbos_system', 'systemPool'));
  systemPool.on('error', () => {});
  const source = (name: string) => new NodePostgresSource(name, poolOf(name, 'pool'));
  const sources = { user: source('user'), concert: source('concert'), payment: source('payment') };
  const flows = defineFlows(sources, config);
  DBOS.setConfig({
    name: 'tutti-bench',
    systemDatabaseUrl: 'postgresql://postgres@localhost:5432/dbos_system',
    systemDatabasePool: systemPool,
    logger: quiet(log),
  });
  await DBOS.launch();
  return {
    flows,
    stop: async () => {
      await DBOS.shutdown();
      await systemPool.end();
    },
  };
}

type Sources = Readonly<Record<'user' | 'concert' | 'payment', NodePostgresSource>>;

function defineFlows({ user, concert, payment }: Sources, config: PeerConfig): Flows {
  const { holdSeconds } = config;
  const find = (fan: string) => DBOS.runStep(() => findUser(user.run, fan), { name: 'user.find' });

  const deliver = DBOS.registerWorkflow(
    (delivery: Delivery) =>
      DBOS.runStep(() => postToPartner(config, delivery), {
        name: 'post',
        retriesAllowed: true,
        // For a day; a longer interval each time would have no upper bound here.
        maxAttempts: 17_280,
        intervalSeconds: 5,
        backoffRate: 1,
      }),
    { name: 'deliver' },
  );

  const reserve = DBOS.registerWorkflow(
    async (asked: Asked, performanceId: string, seatIds: string[]): Promise<Result> => {
      const { id, fan, traceId, fingerprint } = asked;
      const found = await find(fan);
      if (!('ok' in found)) return { outcome: found, traceId, fingerprint };
      const outcome = await concert.transaction('concert.reserve-seats', async (run) => {
        await lockFan(run, fan, performanceId);
        return reserveSeats(run, { id, userId: fan, performanceId, seatIds, holdSeconds });
      });
      return { outcome, traceId, fingerprint };
    },
    { name: 'reserve-seats' },
  );

  const pay = DBOS.registerWorkflow(
    async (asked: Asked, reservationId: string): Promise<Result> => {
      const { traceId, fingerprint } = asked;
      return { outcome: await payOutcome(asked, reservationId), traceId, fingerprint };
    },
    { name: 'pay-reservation' },
  );

  const payOutcome = async ({ id, fan }: Asked, reservationId: string): Promise<Outcome<object>> => {
    const found = await find(fan);
    if (!('ok' in found)) return found;
    const marked = await concert.transaction('concert.mark-paid', (run) =>
      markPaid(run, reservationId, id, fan),
    );
    if (!('ok' in marked)) return marked;
    const toPay = marked.ok;
    const order = { payment: id, userId: fan, amount: toPay.amount, reservationId };
    const deducted = await payment.transaction('payment.deduct-points', (run) => deductPoints(run, order));
    if (!('ok' in deducted)) {
      await concert.transaction('concert.mark-reserved', (run) => markReserved(run, reservationId, id));
      return deducted;
    }
    await concert.transaction('concert.confirm-paid', (run) => confirmPaid(run, reservationId, toPay));
    // Durable when it has been started; it goes on by itself.
    await DBOS.startWorkflow(deliver)(deliveryOf(id, reservationId, toPay, toPay.version + 1));
    return {
      ok: {
        paymentId: id,
        reservationId,
        status: 'paid',
        amount: toPay.amount,
        balance: deducted.ok.balance,
      },
    };
  };

  const answer = async (asked: Asked, handle: Promise<{ getResult(): Promise<Result> }>): Promise<Reply> => {
    const { outcome, traceId, fingerprint } = await (await handle).getResult();
    if (fingerprint !== asked.fingerprint) return refusal('idempotency_key_reused', asked.traceId);
    return replyOf({ ...asked, traceId }, outcome);
  };
  const workflowID = ({ fan, route, key }: Asked) => `${fan}/${route}/${key}`;
  return {
    reserve: (asked, { performanceId, seatIds }) =>
      answer(
        asked,
        DBOS.startWorkflow(reserve, { workflowID: workflowID(asked) })(asked, performanceId, seatIds),
      ),
    pay: (asked, { reservationId }) =>
      answer(asked, DBOS.startWorkflow(pay, { workflowID: workflowID(asked) })(asked, reservationId)),
  };
}

function partsOf(connection: Connection): PoolConfig {
  return 'url' in connection ? { connectionString: connection.url } : connection;
}

/** Only what went wrong, in the log of the server. */
function quiet(log: Log) {
  const nothing = () => {};
  const complain = (entry: unknown) => log.warn({ entry: String(entry) }, 'DBOS');
  return { info: nothing, debug: nothing, warn: complain, error: complain };
}

await serve(openDbos);
