// Restate: a handler per flow, a recorded step (ctx.run) per service with a transaction in it, delivery as a one-way call.

import * as restate from '@restatedev/restate-sdk';
import { Database } from '@tutti/kit/postgres';
import type { Log } from '@tutti/kit/service';
import { createServer } from 'node:http2';
import { Pool } from 'undici';
import { replyOf } from '../door/answers.ts';
import { refusal, type Asked, type Flows, type Reply } from '../door/door.ts';
import { postToPartner } from '../door/partner-call.ts';
import { databaseOf, runOn, serve, type Peer, type PeerConfig } from '../door/server.ts';
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
import { startRestateServer } from './restate-server.ts';

/** What a handler returns; under a repeated key Restate gives the first one's. */
type Result = { readonly outcome: Outcome<object>; readonly traceId: string; readonly fingerprint: string };
type Databases = Readonly<Record<'user' | 'concert' | 'payment', Database>>;

async function openRestate(config: PeerConfig, log: Log): Promise<Peer> {
  const { settings } = config;
  const open = (name: string) =>
    new Database(databaseOf(config, name), { connectionsMax: Number(settings['pool']) });
  const databases: Databases = { user: open('user'), concert: open('concert'), payment: open('payment') };
  const server = await startRestateServer(settings['folder'] ?? '', settings['partitions'] ?? '24');
  const endpoint = createServer(
    restate.createEndpointHandler({
      services: servicesOf(databases, config),
      logger: ({ level }, message) => {
        if (/warn|error/i.test(level)) log.warn({ message: String(message) }, 'Restate');
      },
    }),
  );
  const port = await new Promise<number>((done) =>
    endpoint.listen(0, '127.0.0.1', () => {
      const address = endpoint.address();
      done(typeof address === 'object' && address ? address.port : 0);
    }),
  );
  await register(server.admin, `http://127.0.0.1:${port}/`);
  const ingress = new Pool(server.ingress.origin, {
    connections: 256,
    headersTimeout: 120_000,
    bodyTimeout: 120_000,
  });
  return {
    flows: flowsThrough(ingress),
    stop: async () => {
      await ingress.destroy();
      await server.stop();
      endpoint.close();
      await Promise.all(Object.values(databases).map((database) => database.close()));
    },
  };
}

async function register(admin: URL, uri: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(new URL('deployments', admin), {
    method: 'POST',
    headers,
    body: JSON.stringify({ uri }),
  });
  if (!answer.ok)
    throw new Error(`The handlers could not be registered: ${answer.status} ${await answer.text()}`);
}

type Reserve = { asked: Asked; performanceId: string; seatIds: string[] };
type Pay = { asked: Asked; reservationId: string };

function servicesOf({ user, concert, payment }: Databases, config: PeerConfig) {
  const { holdSeconds } = config;
  const find = (context: restate.Context, fan: string) =>
    context.run('user.find', () => findUser(runOn(user), fan));

  const partner = restate.service({
    name: 'partner',
    handlers: {
      deliver: (context: restate.Context, delivery: Delivery) =>
        context.run('post', () => postToPartner(config, delivery)),
    },
  });

  const tickets = restate.service({
    name: 'tickets',
    handlers: {
      reserve: async (
        context: restate.Context,
        { asked, performanceId, seatIds }: Reserve,
      ): Promise<Result> => {
        const { id, fan, traceId, fingerprint } = asked;
        const found = await find(context, fan);
        if (!('ok' in found)) return { outcome: found, traceId, fingerprint };
        const wish = { id, userId: fan, performanceId, seatIds, holdSeconds };
        const outcome = await context.run('concert.reserve-seats', () =>
          concert.transaction(async (tx) => {
            await lockFan(runOn(tx), fan, performanceId);
            return reserveSeats(runOn(tx), wish);
          }),
        );
        return { outcome, traceId, fingerprint };
      },
      pay: async (context: restate.Context, { asked, reservationId }: Pay): Promise<Result> => {
        const { traceId, fingerprint } = asked;
        return { outcome: await pay(context, asked, reservationId), traceId, fingerprint };
      },
    },
  });

  const pay = async (
    context: restate.Context,
    { id, fan }: Asked,
    reservationId: string,
  ): Promise<Outcome<object>> => {
    const found = await find(context, fan);
    if (!('ok' in found)) return found;
    const marked = await context.run('concert.mark-paid', () =>
      concert.transaction((tx) => markPaid(runOn(tx), reservationId, id, fan)),
    );
    if (!('ok' in marked)) return marked;
    const toPay = marked.ok;
    const order = { payment: id, userId: fan, amount: toPay.amount, reservationId };
    const deducted = await context.run('payment.deduct-points', () =>
      payment.transaction((tx) => deductPoints(runOn(tx), order)),
    );
    if (!('ok' in deducted)) {
      await context.run('concert.mark-reserved', () => markReserved(runOn(concert), reservationId, id));
      return deducted;
    }
    // In the journal before it is made, as is every step: the time of the event must not change with a repetition.
    const delivery = await context.run('concert.confirm-paid', async () => {
      await concert.transaction((tx) => confirmPaid(runOn(tx), reservationId, toPay));
      return deliveryOf(id, reservationId, toPay, toPay.version + 1);
    });
    context.serviceSendClient<typeof partner>({ name: 'partner' }).deliver(delivery);
    const { balance } = deducted.ok;
    return { ok: { paymentId: id, reservationId, status: 'paid', amount: toPay.amount, balance } };
  };
  return [tickets, partner];
}

/** Through Restate's ingress, with the fan's key as Restate's: it runs a key once and gives its result again. */
function flowsThrough(ingress: Pool): Flows {
  const call = async (handler: string, asked: Asked, input: Reserve | Pay): Promise<Reply> => {
    const answer = await ingress.request({
      method: 'POST',
      path: `/tickets/${handler}`,
      headers: {
        'content-type': 'application/json',
        'idempotency-key': `${asked.fan}/${asked.route}/${asked.key}`,
      },
      body: JSON.stringify(input),
    });
    const body: unknown = await answer.body.json();
    if (answer.statusCode !== 200 || !isResult(body))
      throw new Error(`Restate answered ${answer.statusCode} ${JSON.stringify(body)}`);
    if (body.fingerprint !== asked.fingerprint) return refusal('idempotency_key_reused', asked.traceId);
    return replyOf({ ...asked, traceId: body.traceId }, body.outcome);
  };
  return {
    reserve: (asked, { performanceId, seatIds }) => call('reserve', asked, { asked, performanceId, seatIds }),
    pay: (asked, { reservationId }) => call('pay', asked, { asked, reservationId }),
  };
}

const isResult = (body: unknown): body is Result =>
  typeof body === 'object' &&
  body !== null &&
  'outcome' in body &&
  'traceId' in body &&
  'fingerprint' in body;

await serve(openRestate);
