// The usual waiting room: a Redis sorted set, ZADD for each who joins, ZRANK for each who asks how far they are.

import { accessToken, isCaller } from '@tutti/contracts';
import { createLog, LogFile, signedTokens, whenParentLeaves } from '@tutti/kit/service';
import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import { Redis } from 'ioredis';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { refusal, type Reply } from '../door/door.ts';

/** What the bench writes into the file that this server is started with. */
export type SortedSetConfig = {
  readonly redisPort: number;
  readonly accessTokenKey: string;
  readonly logFile: string;
};

// Written by the bench that starts us; nobody else does.
const config: SortedSetConfig = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const complain = (sentence: string) => void process.stderr.write(`${sentence}\n`);
const output = new LogFile(config.logFile, complain);
const loggerInstance: FastifyBaseLogger = createLog('info', output);
// Commands of one turn of the event loop go out together: without it, each is a write of its own.
const redis = new Redis({ host: '127.0.0.1', port: config.redisPort, enableAutoPipelining: true });
const tokens = signedTokens({
  key: Buffer.from(config.accessTokenKey, 'base64url'),
  type: accessToken.type,
  audience: accessToken.audience,
  isClaims: isCaller,
});
const app = Fastify({
  loggerInstance,
  logController: new LogController({ disableRequestLogging: true }),
  childLoggerFactory: (logger) => logger,
  bodyLimit: 16_384,
  keepAliveTimeout: 75_000,
  forceCloseConnections: true,
  genReqId: () => randomBytes(16).toString('hex'),
});
app.addHook('onResponse', async (request, reply) => {
  const { method, routeOptions, id } = request;
  const ms = Math.round(reply.elapsedTime);
  request.log.info({ traceId: id, method, route: routeOptions.url, status: reply.statusCode, ms });
});

type Asking = FastifyRequest<{ Params: { concertId: string } }>;

const send = (reply: FastifyReply, { status, body }: Reply): FastifyReply =>
  reply.code(status).type('application/json').send(body);

const answering =
  (work: (line: string, fan: string) => Promise<Reply>) =>
  async (request: Asking, reply: FastifyReply): Promise<FastifyReply> => {
    const token = /^Bearer ([\w.-]+)$/i.exec(request.headers.authorization ?? '')?.[1];
    const caller = token === undefined ? null : tokens.verify(token);
    if (!caller) return send(reply, refusal('unauthenticated', request.id));
    return send(reply, await work(`line:${request.params.concertId}`, caller.userId));
  };

const place = (rank: number | null, status: number, traceId = ''): Reply =>
  rank === null ? refusal('not_found', traceId) : { status, body: JSON.stringify({ number: rank + 1 }) };

const address = '/api/v1/concerts/:concertId/queue-tokens';
app.post(
  address,
  answering(async (line, fan) => {
    // By time of arrival; who is in already keeps their place.
    const [, rank] = await Promise.all([redis.zadd(line, 'NX', Date.now(), fan), redis.zrank(line, fan)]);
    return place(rank, 201);
  }),
);
app.get(
  `${address}/mine`,
  answering(async (line, fan) => place(await redis.zrank(line, fan), 200)),
);

const leave = () => {
  void app
    .close()
    .then(() => redis.quit())
    .then(() => output.close())
    .then(
      () => process.exit(0),
      () => process.exit(1),
    );
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, leave);
whenParentLeaves(leave);
const listening = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
process.stdout.write(`listening ${listening.port}\n`);
