// The limit: each flow as one set-based call for whatever requests are there, on one database, without a saga.

import { isRefusalCode } from '@tutti/contracts';
import { commandSettings } from '@tutti/kit/participant';
import { Database, isConflict } from '@tutti/kit/postgres';
import type { Log } from '@tutti/kit/service';
import { replyOf } from '../door/answers.ts';
import { startDeliverer } from '../door/deliverer.ts';
import { refusal, type Asked, type Flows, type Reply } from '../door/door.ts';
import { databaseOf, serve, type Peer, type PeerConfig } from '../door/server.ts';
import { NaturalBatches } from './natural-batches.ts';

type Refusal = { code: string; data: object };
type Known = { fingerprint: string; traceId: string; refusal: string | null; body: object };
type Result = { ord: number; ok?: object; refused?: Refusal; known?: Known };
type Order = { readonly asked: Asked; readonly input: object };

const batchMax = 512;
const conflictRetriesMax = 5;

async function openLimit(config: PeerConfig, log: Log): Promise<Peer> {
  const connection = databaseOf(config, 'limit');
  // Its joins are written as joins: only nested loops keep them from reading whole tables.
  const settings = { ...commandSettings, enable_hashjoin: 'off', enable_mergejoin: 'off' };
  const database = new Database(connection, { connectionsMax: 4, settings });
  const outbox = new Database(connection, { connectionsMax: 2 });
  const deliverer = startDeliverer(outbox, config, log);
  return {
    flows: flows(database, config, () => deliverer.wake()),
    stop: async () => {
      await deliverer.stop();
      await Promise.all([database.close(), outbox.close()]);
    },
  };
}

function flows(database: Database, { holdSeconds, settings }: PeerConfig, wakeDeliverer: () => void): Flows {
  const inFlightMax = Number(settings['inFlight']);
  const call = async (
    statement: string,
    name: string,
    more: readonly unknown[],
    orders: readonly Order[],
  ) => {
    const batch = orders.map(({ asked, input }, index) => {
      const { id, fan, key, fingerprint, traceId } = asked;
      return { ord: index + 1, id, fan, key, fingerprint, traceId, ...input };
    });
    const values = [JSON.stringify(batch), ...more];
    const parts = await repeatingConflicts(async () => {
      const [row] = await database.query<{ parts: Result[][] }>(statement, values, name);
      return row?.parts ?? [];
    });
    const byOrd = new Map(parts.flat().map((result) => [result.ord, result]));
    return orders.map(({ asked }, index) => encode(asked, byOrd.get(index + 1)));
  };
  const reserve = new NaturalBatches<Order, Reply>(
    (orders) => call('select reserve($1::json, $2) as parts', 'reserve', [holdSeconds], orders),
    inFlightMax,
    batchMax,
  );
  const pay = new NaturalBatches<Order, Reply>(
    async (orders) => {
      const replies = await call('select pay($1::json) as parts', 'pay', [], orders);
      wakeDeliverer();
      return replies;
    },
    inFlightMax,
    batchMax,
  );
  return {
    reserve: (asked, input) => reserve.add(`${asked.fan}/${asked.key}`, { asked, input }),
    pay: (asked, input) => pay.add(`${asked.fan}/${asked.key}`, { asked, input }),
  };
}

function encode(asked: Asked, result: Result | undefined): Reply {
  if (!result) throw new Error('A request has no outcome.');
  const { ok, refused, known } = result;
  if (known) {
    if (known.fingerprint !== asked.fingerprint) return refusal('idempotency_key_reused', asked.traceId);
    if (known.refusal === null) return { status: 201, body: JSON.stringify(known.body) };
    return refusal(codeOf(known.refusal), known.traceId, known.body);
  }
  if (refused) return refusal(codeOf(refused.code), asked.traceId, refused.data);
  return replyOf(asked, { ok: ok ?? {} });
}

const codeOf = (code: string) => (isRefusalCode(code) ? code : 'internal_error');

/** Two batches that carry one key meet at the answer's primary key: the second one then finds the answer. */
async function repeatingConflicts<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isConflict(error) || attempt >= conflictRetriesMax) throw error;
    }
  }
}

await serve(openLimit);
