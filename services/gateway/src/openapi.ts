import type { SwaggerTransform, SwaggerTransformObject } from '@fastify/swagger';
import { refusals, type RefusalCode } from '@tutti/contracts';
import { noBody } from '@tutti/contracts/http';
import type { FastifyContextConfig, FastifySchema } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { STATUS_CODES } from 'node:http';
import { sessionCookie } from './callers.ts';

/**
 * The document at /api/v1/openapi.json. Bodies, paths and queries come from the schemas that check requests; what those
 * cannot say (who may call, what is refused, which headers there are) comes from a route's `config`, here.
 */
export const information = {
  openapi: '3.1.0',
  info: {
    title: 'tutti',
    version: '1',
    description: [
      'Concert reservations for high-demand sales. Ids are strings, times RFC 3339 in UTC, money a whole number of points (1 point is 1 KRW).',
      'Errors are RFC 9457 problems; `code` is stable, translate by it. A 429 or 503 says in `Retry-After` when to come back.',
      'Effects need an `Idempotency-Key`: the same key and body bring the first answer again, byte for byte, for at least 24 hours.',
    ].join('\n\n'),
  },
  components: {
    securitySchemes: {
      accessToken: { type: 'http', scheme: 'bearer' },
      session: {
        type: 'apiKey',
        in: 'cookie',
        name: sessionCookie,
        description: 'For web pages: effects need a same-origin `Origin`.',
      },
    },
  },
} as const;

const text = (description: string) => ({ type: 'string', description });

const answerHeaders = {
  ETag: text('The version of what was read'),
  'Seat-Map-Version': text('The version of the seat map that it belongs to'),
  Sequence: text('Grows with every change of a seat'),
  'Set-Cookie': text('The session, when `cookie` was true'),
  Location: text('The operation to look at: `/api/v1/operations/{operationId}`'),
  'Operation-Location': text('The operation behind this answer: `/api/v1/operations/{operationId}`'),
  'Idempotent-Replayed': text('`true` when this is the first answer again'),
  'Retry-After': text('Seconds after which to come back'),
};
export type AnswerHeader = keyof typeof answerHeaders;

const requestHeaders = {
  'Admission-Token': text(
    'Where the concert has a waiting room: what `POST /concerts/{concertId}/admissions` gave',
  ),
  'Idempotency-Key': { ...text('A new one for every new intent'), pattern: '^[\\x21-\\x7e]{1,255}$' },
  Prefer: text('`wait=N`: answer 202 after N seconds (at most 10) if there is no outcome yet'),
  'If-Match': text('The ETag of the version that was read'),
  'If-None-Match': text('The ETag of the version that is known: 304 if it still is the one'),
};

type Route = {
  readonly isSafe: boolean;
  readonly config: FastifyContextConfig;
  readonly schema: FastifySchema;
};

export const describeRoute: SwaggerTransform = (input) => {
  const { schema, url } = jsonSchemaTransform(input);
  if ('hide' in schema) return { schema, url };
  const route = { isSafe: input.route.method === 'GET', config: input.route.config ?? {}, schema };
  const headers = requestHeadersOf(route);
  const needed = ['Idempotency-Key', 'If-Match'].filter((name) => headers.some(([known]) => known === name));
  return {
    url,
    schema: {
      ...schema,
      // A body that need not be there is left out here: OpenAPI's words for it would ask for one.
      ...(input.schema.body === noBody && { body: undefined }),
      ...(headers.length > 0 && {
        headers: { type: 'object', properties: Object.fromEntries(headers), required: needed },
      }),
      ...(route.config.access && { security: [{ accessToken: [] }, { session: [] }] }),
      response: {
        ...successes(route),
        ...problems(url.startsWith('/api/') ? [...codesOf(route), 'overloaded'] : []),
      },
    },
  };
};

function requestHeadersOf({ isSafe, config }: Route) {
  const versions = config.tells?.includes('ETag') ?? false;
  return Object.entries(requestHeaders).filter(([name]) => {
    if (name === 'Admission-Token') return config.admission ?? false;
    if (name === 'If-Match') return versions && !isSafe;
    if (name === 'If-None-Match') return versions && isSafe;
    return config.effect ?? false;
  });
}

function successes({ config, schema }: Route): Record<string, object> {
  const { effect = false, tells = [], produces } = config;
  const always: AnswerHeader[] = effect ? ['Operation-Location', 'Idempotent-Replayed'] : [...tells];
  const given: [string, object][] = Object.entries(schema.response ?? {});
  const accepted = answer('202', reference('Accepted'), ['Location', 'Operation-Location']);
  return {
    ...Object.fromEntries(given.map(([status, body]) => [status, answer(status, body, always, produces)])),
    ...(effect && { 202: accepted }),
  };
}

function answer(
  status: string,
  body: object,
  names: readonly AnswerHeader[],
  type = 'application/json',
): object {
  const described = { description: STATUS_CODES[status] ?? status, ...headersOf(names) };
  if ('type' in body && body.type === 'null') return { ...described, type: 'null' };
  return { ...described, content: { [type]: { schema: body } } };
}

const headersOf = (names: readonly AnswerHeader[]) =>
  names.length === 0
    ? {}
    : { headers: Object.fromEntries(names.map((name) => [name, { ...answerHeaders[name] }])) };

/** What a route may answer beside what it was asked for: what it says itself, and what follows from what it is. */
function codesOf({ isSafe, config, schema }: Route): RefusalCode[] {
  const { access, effect = false, admission = false, refuses = [] } = config;
  const isAsked = schema.body ?? schema.params ?? schema.querystring;
  const hasPages = JSON.stringify(schema.querystring ?? {}).includes('"cursor"');
  return [
    ...(isAsked ? (['invalid_request'] as const) : []),
    ...(hasPages ? (['invalid_cursor'] as const) : []),
    ...(schema.body ? (['payload_too_large', 'unsupported_media_type'] as const) : []),
    ...(access ? (['unauthenticated', 'rate_limited'] as const) : []),
    ...(access && !isSafe ? (['csrf_rejected'] as const) : []),
    ...(access && access !== 'fan' ? (['role_required'] as const) : []),
    ...(effect ? effectCodes : []),
    ...(admission ? admissionCodes : []),
    ...refuses,
  ];
}

const effectCodes = [
  'idempotency_key_missing',
  'idempotency_key_invalid',
  'idempotency_in_flight',
  'idempotency_key_reused',
  'user_not_found',
  'timed_out',
  'outcome_unknown',
] as const satisfies RefusalCode[];

const admissionCodes = [
  'admission_required',
  'admission_expired',
  'admission_invalid',
] as const satisfies RefusalCode[];

function problems(codes: readonly RefusalCode[]): Record<string, object> {
  const byStatus = Map.groupBy(codes, (code) => refusals[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, those]) => [
      status,
      {
        description: those.map((code) => `\`${code}\`: ${refusals[code].en}`).join('\n\n'),
        ...headersOf(status === 429 || status === 503 ? ['Retry-After'] : []),
        content: { 'application/problem+json': { schema: reference('Problem') } },
      },
    ]),
  );
}

const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` });

/** The library names every schema twice, as what comes in and as what goes out; ours are the same both ways. */
export const nameSchemasOnce: SwaggerTransformObject = (input) => {
  const document = jsonSchemaTransformObject(input);
  const schemas = 'components' in document ? (document.components?.schemas ?? {}) : {};
  for (const name of Object.keys(schemas)) if (name.endsWith('Input')) delete schemas[name];
  return document;
};
