import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { Caller, RefusalCode, Role } from '@tutti/contracts';
import { crashPoint, isOutOfReach } from '@tutti/kit/service';
import Fastify, { LogController, type FastifyBaseLogger, type FastifyRequest } from 'fastify';
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { createServer, type RequestListener } from 'node:http';
import { sessionCookie, type Callers } from './callers.ts';
import { answerBrokenRequest, clientErrorOf } from './client-errors.ts';
import { HttpTelemetry } from './http-telemetry.ts';
import type { LoadShedder } from './load-shedder.ts';
import { describeRoute, information, nameSchemasOnce, type AnswerHeader } from './openapi.ts';
import type { GatewayParts } from './parts.ts';
import { Refused, sendProblem } from './problems.ts';
import { limit, type RateLimit } from './rate-limits.ts';
import { accountRoutes } from './routes/accounts.ts';
import { catalogueRoutes } from './routes/catalogue.ts';
import { deliveryRoutes } from './routes/deliveries.ts';
import { healthRoutes } from './routes/health.ts';
import { metricsRoute } from './routes/metrics.ts';
import { operationRoutes } from './routes/operations.ts';
import { partnerStubRoutes } from './routes/partner-stub.ts';
import { pointRoutes } from './routes/points.ts';
import { reservationRoutes } from './routes/reservations.ts';
import { saleRoutes } from './routes/sales.ts';
import { ticketRoutes } from './routes/tickets.ts';
import { waitingRoomRoutes } from './routes/waiting-room.ts';
import type { TypedApp } from './routes/route.ts';
import { seatingRoutes } from './routes/seating.ts';
import { traceIdOf } from './trace.ts';
import { asksForPage, serveWebApp } from './web-app.ts';

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | null;
  }
  interface FastifyContextConfig {
    /** Who may call: anyone (the default), a signed-in fan, a promoter, or an operator. */
    access?: 'fan' | 'promoter' | 'operator';
    /** Needs an Idempotency-Key; the saga's answer is stored under it. */
    effect?: boolean;
    /** What it refuses with beside what follows from the above; for the document. */
    refuses?: readonly RefusalCode[];
    /** Headers of what it answers when it does not refuse; for the document. */
    tells?: readonly AnswerHeader[];
    /** The type of what it answers, where that is not JSON; for the document. */
    produces?: string;
    /** Its answer lasts for as long as somebody listens. */
    stream?: boolean;
    /** Needs an admission where the concert has a waiting room. */
    admission?: boolean;
  }
}

const bodyBytesMax = 16_384;
// A request has to arrive within its time; a connection may be quiet a little longer than a balancer in front keeps it.
const serverTimeouts = { requestTimeout: 30_000, headersTimeout: 20_000, keepAliveTimeout: 75_000 };

const shedding =
  (shedder: LoadShedder, handler: RequestListener): RequestListener =>
  (request, response) => {
    if (!shedder.refuses(request, response)) handler(request, response);
  };

export async function buildApp(parts: GatewayParts): Promise<TypedApp> {
  const loggerInstance: FastifyBaseLogger = parts.log;
  const app = Fastify({
    loggerInstance,
    // One line per answer, written below; a child logger per request would cost more than it tells.
    logController: new LogController({ disableRequestLogging: true }),
    childLoggerFactory: (logger) => logger,
    bodyLimit: bodyBytesMax,
    serverFactory: (handler) => createServer(serverTimeouts, shedding(parts.loadShedder, handler)),
    forceCloseConnections: 'idle',
    // A connection that is open while we stop still gets its real answer.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 300 },
    genReqId: traceIdOf,
    frameworkErrors: (error, request, reply) => {
      void sendProblem(reply, request, refusalOf(error, request));
    },
    clientErrorHandler: answerBrokenRequest,
  }).withTypeProvider<ZodTypeProvider>();

  app.setValidatorCompiler(validatorCompiler);
  // Answers are made by our own code from typed values; checking them once more is what the tests do.
  app.setSerializerCompiler(() => JSON.stringify);
  app.decorateRequest('caller', null);
  app.decorateRequest('trace', null);
  const telemetry = new HttpTelemetry(parts.telemetry);
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parseJson(request, body.toString(), done);
  });

  app.removeContentTypeParser('text/plain');

  await app.register(swagger, {
    openapi: information,
    transform: describeRoute,
    transformObject: nameSchemasOnce,
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: docsPolicy,
    theme: { title: 'tutti' },
    uiConfig: { layout: 'BaseLayout' },
  });

  app.addHook('onRequest', async (request, reply) => {
    telemetry.begins(request);
    reply.headers({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
    if (request.url.startsWith('/api/')) reply.header('content-security-policy', answersPolicy);
    const { access, effect } = request.routeOptions.config;
    if (!access) return;
    reply.header('cache-control', 'no-store');
    request.caller = authenticate(request, parts.callers);
    const limits: readonly RateLimit[] = effect ? ['requests', 'effects'] : ['requests'];
    const limiting = limit(parts.rateLimits, limits, request.caller.userId);
    if (limiting) await limiting;
    if (!mayUse(access, request.caller.role)) throw new Refused('role_required');
  });
  const { withinTrace } = parts;
  if (withinTrace && parts.telemetry?.spans)
    app.addHook('onRequest', (request, _reply, done) => withinTrace(request.trace?.traceparent, done));
  app.addHook('onResponse', async (request, reply) => {
    const { method, routeOptions, id } = request;
    if (routeOptions.config.effect) crashPoint('gateway.after-response');
    telemetry.ends(request, reply);
    const ms = Math.round(reply.elapsedTime);
    request.log.info({ traceId: id, method, route: routeOptions.url, status: reply.statusCode, ms });
  });
  app.setErrorHandler((error, request, reply) => sendProblem(reply, request, refusalOf(error, request)));

  const methods = methodsByAddress(app);
  await app.register(
    async (typed: TypedApp) => {
      accountRoutes(typed, parts);
      catalogueRoutes(typed, parts);
      seatingRoutes(typed, parts);
      waitingRoomRoutes(typed, parts);
      saleRoutes(typed, parts);
      reservationRoutes(typed, parts);
      ticketRoutes(typed, parts);
      pointRoutes(typed, parts);
      operationRoutes(typed, parts);
      deliveryRoutes(typed, parts);
      typed.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
    },
    { prefix: '/api/v1' },
  );
  healthRoutes(app, parts.checks);
  if (parts.metrics) metricsRoute(app, parts.metrics);
  if (parts.partnerStub) partnerStubRoutes(app, parts.partnerStub);
  const sendMissingPage = parts.webDir === undefined ? null : await serveWebApp(app, parts.webDir);
  app.setNotFoundHandler((request, reply) =>
    sendMissingPage && asksForPage(request)
      ? sendMissingPage(reply)
      : sendProblem(reply, request, new Refused('not_found')),
  );
  refuseOtherMethods(app, methods);
  return app;
}

/** An answer is data: nothing in it may ever run or be shown in a frame. */
const answersPolicy = "default-src 'none'; frame-ancestors 'none'";

/** Swagger UI sets styles on elements; everything else comes from files of its own. */
const docsPolicy = {
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': ["'self'", "'unsafe-inline'"],
  'img-src': ["'self'", 'data:'],
  'connect-src': "'self'",
  'base-uri': "'none'",
  'frame-ancestors': "'none'",
};

/** Fills as routes are added: the methods that each address takes. */
function methodsByAddress(app: TypedApp): ReadonlyMap<string, Set<string>> {
  const methods = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? new Set();
    for (const one of [method].flat()) known.add(one);
    methods.set(url, known);
  });
  return methods;
}

/** An address that exists answers 405 to the methods it does not take, and names those it does. */
function refuseOtherMethods(app: TypedApp, taken: ReadonlyMap<string, ReadonlySet<string>>): void {
  for (const [url, methods] of taken) {
    const allow = [...methods].join(', ');
    app.route({
      url,
      method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter((one) => !methods.has(one)),
      schema: { hide: true },
      handler: () => {
        throw new Refused('method_not_allowed', {}, { allow });
      },
    });
  }
}

/** A promoter may do what an operator may. */
const mayUse = (access: 'fan' | 'promoter' | 'operator', role: Role): boolean =>
  access === 'fan' || role === access || (access === 'operator' && role === 'promoter');

/** A bearer token wins over the cookie; with the cookie an effect must come from our own pages. */
function authenticate(request: FastifyRequest, callers: Callers): Caller {
  const { authorization, cookie, origin, host } = request.headers;
  const bearer = authorization === undefined ? undefined : /^Bearer ([\w.-]+)$/i.exec(authorization)?.[1];
  const fromCookie = bearer === undefined ? cookieValue(cookie ?? '', sessionCookie) : undefined;
  const token = authorization === undefined ? fromCookie : bearer;
  const caller = token === undefined ? null : callers.find(token);
  if (!caller) throw new Refused('unauthenticated');
  const isSafe = request.method === 'GET' || request.method === 'HEAD';
  if (fromCookie !== undefined && !isSafe && !isSameOrigin(origin, host)) throw new Refused('csrf_rejected');
  return caller;
}

const cookieValue = (header: string, name: string): string | undefined =>
  header
    .split(/; */)
    .find((part) => part.startsWith(`${name}=`))
    ?.slice(name.length + 1);

const isSameOrigin = (origin: string | undefined, host: string | undefined): boolean =>
  origin !== undefined && host !== undefined && URL.canParse(origin) && new URL(origin).host === host;

/** Everything that can go wrong in a route, as what the client is told. Only what we did not expect is an error of ours. */
function refusalOf(error: unknown, request: FastifyRequest): Refused {
  if (error instanceof Refused) return error;
  const clientError = clientErrorOf(error);
  if (clientError) return clientError;
  request.log.error({ error, traceId: request.id }, 'a request failed');
  return isOutOfReach(error) ? new Refused('overloaded') : new Refused('internal_error');
}
