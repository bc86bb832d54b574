import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  bodyOf,
  exampleOf,
  fill,
  isEffect,
  nameOf,
  pathNames,
  readDocument,
  routesOf,
  type Route,
} from '../support/api-document.ts';
import { badBodies, badParts, badQueries, wrongTypes } from '../support/bad-values.ts';
import { text, type Fan, type Reply } from '../support/client.ts';
import { contentsOf } from '../support/contents.ts';
import { openHouse } from '../support/house.ts';
import { LogBook } from '../support/log-book.ts';
import { faultsOf } from '../support/problems.ts';
import { sendRaw, type Raw } from '../support/raw.ts';

// Every route comes from the document, so that a new one is tried as soon as it is there. The caller is a promoter, who may
// call all of them, and everything but the one wrong thing is right.
const log = new LogBook();
const house = await openHouse({ LOG_LEVEL: 'trace' }, log);
const routes = routesOf(await readDocument(house.address));
const readOnly = routes.filter(({ method }) => method === 'GET');
const changing = routes.filter(({ method }) => method !== 'GET');
const named = (some: readonly Route[]) => some.map((route) => ({ name: nameOf(route), route }));

let promoter: Fan;
let good: Record<string, string>;
let etag: string;
let before: Record<string, string>;

beforeAll(async () => {
  promoter = await house.promoter();
  const show = await house.performance(3);
  const reserved = await promoter.reserve(show, ['S-1']);
  good = {
    concertId: show,
    performanceId: show,
    reservationId: text(reserved.body, 'reservationId'),
    operationId: (reserved.headers.get('operation-location') ?? '').split('/').at(-1) ?? '',
    deliveryId: randomUUID(),
  };
  etag = (await send({ method: 'GET', path: `/api/v1/concerts/${show}` })).headers.get('etag') ?? '';
  before = await contentsOf(house);
});
afterAll(() => house.stop());

const send = (raw: Raw): Promise<Reply> => sendRaw(house.address, raw);

function valueOf(name: string): string {
  const value = good[name];
  if (value === undefined) throw new Error(`Say what a good ${name} is.`);
  return value;
}

/** The route as it should be called. */
function right(route: Route): Raw & { headers: Record<string, string | string[]> } {
  const schema = bodyOf(route);
  return {
    method: route.method,
    path: fill(route, valueOf),
    headers: {
      authorization: `Bearer ${promoter.accessToken}`,
      'if-match': etag,
      ...(isEffect(route) && { 'idempotency-key': randomUUID() }),
      ...(schema && { 'content-type': 'application/json' }),
    },
    ...(schema && { body: JSON.stringify(exampleOf(schema)) }),
  };
}

type Case = { what: string; raw: Raw; statuses: readonly number[]; code?: string };

/** Sends each and returns a line for every answer that is not what it must be. */
async function wrongAnswers(cases: readonly Case[]): Promise<string[]> {
  const lines: string[] = [];
  for (const { what, raw, statuses, code } of cases) {
    const reply = await send(raw);
    const faults = faultsOf(reply);
    if (!statuses.includes(reply.status)) faults.push(`${reply.status} instead of ${statuses.join(' or ')}`);
    if (code !== undefined && !reply.text.includes(`"code":"${code}"`)) faults.push(`not ${code}`);
    if (faults.length > 0)
      lines.push(`${what.slice(0, 120)}: ${faults.join(', ')}: ${reply.text.slice(0, 200)}`);
  }
  return lines;
}

describe.each(named(changing))('$name', ({ route }) => {
  const withBody = (body: string, type = 'application/json'): Raw => ({
    ...right(route),
    headers: { ...right(route).headers, 'content-type': type },
    body,
  });

  test('refuses bodies that are not what it asks for', async () => {
    const bodies = badBodies(bodyOf(route));
    expect(bodies.length).toBeGreaterThan(50);
    const cases = bodies.map((body) => ({
      what: body,
      raw: withBody(body),
      statuses: [400],
      code: 'invalid_request',
    }));
    expect(await wrongAnswers(cases)).toEqual([]);
  });

  test('refuses a megabyte, and what is not JSON', async () => {
    const large = JSON.stringify({ name: 'x'.repeat(1_048_576) });
    const chunked = (text: string, more = {}): Raw => ({
      ...withBody(text),
      headers: { ...withBody(text).headers, 'transfer-encoding': 'chunked', ...more },
    });
    const body = right(route).body ?? '{}';
    expect(
      await wrongAnswers([
        { what: '1 MB', raw: withBody(large), statuses: [413], code: 'payload_too_large' },
        { what: '1 MB of array', raw: withBody(`[${'1,'.repeat(524_288)}1]`), statuses: [413] },
        { what: '1 MB without its length', raw: chunked(large), statuses: [413] },
        { what: 'two lengths', raw: chunked(body, { 'content-length': '2' }), statuses: [400] },
        {
          what: 'a coding',
          raw: chunked(body, { 'content-encoding': 'br', 'transfer-encoding': 'gzip' }),
          statuses: [400],
        },
        ...wrongTypes.map((type) => ({
          what: `content type "${type}"`,
          raw: withBody(body, type),
          statuses: [415],
          code: 'unsupported_media_type',
        })),
      ]),
    ).toEqual([]);
  });
});

describe.each(named(routes.filter((route) => pathNames(route).length > 0)))('$name', ({ route }) => {
  const patterns = new Map(
    route.operation.parameters.map(({ name, schema }) => [name, schema.pattern ?? '']),
  );

  test('refuses malformed names in its path', async () => {
    const cases = pathNames(route).flatMap((name) =>
      badParts.map((part) => {
        const path = fill(route, (one) => (one === name ? part : valueOf(one)));
        const isOne = /^[\w-]+$/.test(part) && new RegExp(patterns.get(name) ?? '', 'u').test(part);
        return { what: `${name}: ${part}`, raw: { ...right(route), path }, statuses: [isOne ? 404 : 400] };
      }),
    );
    expect(await wrongAnswers(cases)).toEqual([]);
    const empty = { ...right(route), path: fill(route, () => '') };
    expect(await wrongAnswers([{ what: 'no name', raw: empty, statuses: [400, 404] }])).toEqual([]);
  });
});

describe.each(
  named(readOnly.filter(({ operation }) => operation.parameters.some((one) => one.in === 'query'))),
)('$name', ({ route }) => {
  test('refuses malformed queries', async () => {
    const queries = route.operation.parameters.flatMap((one) =>
      one.in === 'query' ? badQueries(one.name) : [],
    );
    const cases = queries.map((query) => ({
      what: query,
      raw: { ...right(route), path: `${fill(route, valueOf)}?${query}` },
      statuses: [400],
    }));
    expect(await wrongAnswers(cases)).toEqual([]);
  });
});

describe.each(named(changing.filter(isEffect)))('$name', ({ route }) => {
  test('refuses Idempotency-Keys that are none', async () => {
    const { 'idempotency-key': _, ...headers } = right(route).headers;
    const keys = ['', ' ', 'a b', 'a\tb', 'x'.repeat(256), 'x'.repeat(8_000), 'é', '\u00a0', ['a', 'b']];
    const cases = keys.map((key) => ({
      what: `the key ${JSON.stringify(key)}`,
      raw: { ...right(route), headers: { ...headers, 'idempotency-key': key } },
      statuses: [400],
      code: 'idempotency_key_invalid',
    }));
    const missing = {
      what: 'no key',
      raw: { ...right(route), headers },
      statuses: [400],
      code: 'idempotency_key_missing',
    };
    expect(await wrongAnswers([missing, ...cases])).toEqual([]);
  });
});

test('refuses versions that are none', async () => {
  const versioned = changing.filter(({ operation }) =>
    operation.parameters.some(({ name }) => name === 'If-Match'),
  );
  expect(versioned).not.toEqual([]);
  const tags = [
    '',
    '"',
    '*',
    '1',
    '"1"',
    'W/"1"',
    `W/${etag}`,
    '"-1"',
    '"1e3-x"',
    '"99999999999-x"',
    "'",
    '""',
    'x'.repeat(4_000),
    '"é-é"',
  ];
  const cases = versioned.flatMap((route) =>
    tags.map((tag) => ({
      what: `${nameOf(route)}: ${tag}`,
      raw: { ...right(route), headers: { ...right(route).headers, 'if-match': tag } },
      statuses: [412],
    })),
  );
  expect(await wrongAnswers(cases)).toEqual([]);
});

test('addresses and methods that are none', async () => {
  const addresses = [
    '/',
    '/api',
    '/api/v1',
    '/api/v2/concerts',
    '//api/v1/concerts',
    '/api/v1/concerts/',
    '/API/V1/CONCERTS',
    '/%00',
    '/api/v1/%ff',
    '/*',
  ];
  const methods = ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'LINK'];
  const missing = addresses.map((path) => ({
    what: path,
    raw: { method: 'GET', path },
    statuses: [400, 404],
  }));
  const untaken = routes.flatMap((route) => {
    const taken = routes.filter(({ path }) => path === route.path).map(({ method }) => method);
    return methods
      .filter((method) => !taken.includes(method))
      .map((method) => ({
        what: `${method} ${route.path}`,
        raw: { ...right(route), method },
        statuses: [404, 405],
      }));
  });
  expect(await wrongAnswers([...missing, ...untaken])).toEqual([]);
});

test('nothing of this changed anything', async () => {
  expect(await contentsOf(house)).toEqual(before);
});

test('what does not exist is not found, whatever the headers are', async () => {
  const unknown = (name: string): string =>
    name.endsWith('Id') && /^[0-9a-f-]{36}$/.test(valueOf(name)) ? randomUUID() : 'nowhere';
  const preferences = [
    'wait=abc',
    'wait=-1',
    'wait=99999999',
    'wait=1.5',
    'wait',
    '',
    'respond-async',
    'wait=9, wait=2',
    'é',
    'x'.repeat(8_000),
  ];
  const odd = {
    accept: 'text/html',
    'accept-encoding': 'x',
    cookie: '__Host-session=x; =; ;;',
    forwarded: 'for=x',
    host: 'evil.example',
    'if-none-match': 'x'.repeat(2_000),
    origin: 'null',
    range: 'bytes=0-1',
    traceparent: '00-zz-zz-00',
    tracestate: 'x'.repeat(500),
    'x-forwarded-for': "'",
    'x-http-method-override': 'DELETE',
    'x-user-id': valueOf('reservationId'),
  };
  const cases = routes
    .filter((route) => pathNames(route).length > 0)
    .flatMap((route) =>
      (isEffect(route) ? preferences : ['']).map((prefer) => ({
        what: `${nameOf(route)}, prefer ${prefer}`,
        raw: {
          ...right(route),
          path: fill(route, unknown),
          headers: { ...odd, ...right(route).headers, prefer },
        },
        statuses: [404],
      })),
    );
  expect(await wrongAnswers(cases)).toEqual([]);
  // The refusals of sagas are kept for those who repeat them; nothing else is.
  const kept = ['saga', 'journal'];
  const after = await contentsOf(house, kept);
  expect(after).toEqual(
    Object.fromEntries(Object.entries(before).filter(([table]) => !/\.(saga|journal)$/.test(table))),
  );
});

test('the system is well, and its log tells nothing of what was sent', async () => {
  const ready = await send({ method: 'GET', path: '/readyz' });
  expect(ready.status).toBe(200);
  expect(log.length).toBeGreaterThan(500);
  expect(log.indiscreet(['drop table', 'etc/passwd', 'X-Injected'])).toEqual([]);
});
