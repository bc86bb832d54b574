import { accessToken, isCaller, problem, refusals, type Caller, type RefusalCode } from '@tutti/contracts';
import * as http from '@tutti/contracts/http';
import { signedTokens, uuidv7, type Log } from '@tutti/kit/service';
import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { hash, randomBytes } from 'node:crypto';
import * as z from 'zod';

/** Who asks for an effect, under which key, and what for. The key counts for one fan and one route. */
export type Asked = {
  readonly id: string;
  readonly fan: string;
  readonly route: 'reserve' | 'pay';
  readonly key: string;
  readonly fingerprint: string;
  readonly traceId: string;
};

export type Reply = { readonly status: number; readonly body: string };

/** What a peer does behind the door. */
export type Flows = {
  reserve(asked: Asked, input: { performanceId: string; seatIds: string[] }): Promise<Reply>;
  pay(asked: Asked, input: { reservationId: string }): Promise<Reply>;
};

const params = z.object({ reservationId: http.namedId });

/**
 * The two routes of ours on the same HTTP server, with the same authentication, validation and log: what a peer is measured
 * with in front of it. Returns the port.
 */
export async function openDoor(
  flows: Flows,
  options: { accessTokenKey: string; log: Log },
): Promise<{ port: number; close(): Promise<void> }> {
  const key = Buffer.from(options.accessTokenKey, 'base64url');
  const tokens = signedTokens({
    key,
    type: accessToken.type,
    audience: accessToken.audience,
    isClaims: isCaller,
  });
  const loggerInstance: FastifyBaseLogger = options.log;
  const app = Fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    childLoggerFactory: (logger) => logger,
    bodyLimit: 16_384,
    keepAliveTimeout: 75_000,
    forceCloseConnections: true,
    genReqId: () => randomBytes(16).toString('hex'),
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(() => JSON.stringify);
  app.setErrorHandler((error, request, reply) => {
    request.log.error({ error, traceId: request.id }, 'a request failed');
    return send(reply, refusal('internal_error', request.id));
  });
  app.addHook('onResponse', async (request, reply) => {
    const { method, routeOptions, id } = request;
    const ms = Math.round(reply.elapsedTime);
    request.log.info({ traceId: id, method, route: routeOptions.url, status: reply.statusCode, ms });
  });

  const ask = (request: FastifyRequest, route: Asked['route'], what: unknown): Asked | RefusalCode => {
    const { authorization, 'idempotency-key': idempotencyKey } = request.headers;
    const token = /^Bearer ([\w.-]+)$/i.exec(authorization ?? '')?.[1];
    const caller: Caller | null = token === undefined ? null : tokens.verify(token);
    if (!caller) return 'unauthenticated';
    if (typeof idempotencyKey !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(idempotencyKey))
      return 'idempotency_key_invalid';
    const fingerprint = hash('sha256', JSON.stringify(what), 'base64url');
    return { id: uuidv7(), fan: caller.userId, route, key: idempotencyKey, fingerprint, traceId: request.id };
  };

  app.post('/api/v1/reservations', { schema: { body: http.newReservation } }, async (request, reply) => {
    const asked = ask(request, 'reserve', request.body);
    return send(
      reply,
      typeof asked === 'string' ? refusal(asked, request.id) : await flows.reserve(asked, request.body),
    );
  });
  app.post(
    '/api/v1/reservations/:reservationId/payment',
    { schema: { params, body: http.noBody } },
    async (request, reply) => {
      const asked = ask(request, 'pay', request.params);
      return send(
        reply,
        typeof asked === 'string' ? refusal(asked, request.id) : await flows.pay(asked, request.params),
      );
    },
  );
  const address = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
  return { port: Number(address.port), close: () => app.close() };
}

/** A refusal as ours words it. */
export function refusal(code: RefusalCode, traceId: string, data: object = {}): Reply {
  return { status: refusals[code].status, body: JSON.stringify(problem(code, traceId, data)) };
}

function send(reply: FastifyReply, { status, body }: Reply): FastifyReply {
  return reply
    .code(status)
    .type(status < 400 ? 'application/json' : 'application/problem+json')
    .send(body);
}
