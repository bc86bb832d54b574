import { isRefusalCode, refusals } from '@tutti/contracts';
import { until } from '@tutti/kit/testing';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  apiDocument,
  bodyOf,
  isEffect,
  isProtected,
  nameOf,
  pathNames,
  readDocument,
  routesOf,
  type Route,
} from '../support/api-document.ts';
import { request } from '../support/client.ts';
import { openHouse } from '../support/house.ts';

const root = path.resolve(import.meta.dirname, '../..');
const house = await openHouse();
const document = await readDocument(house.address);
const routes = routesOf(document);
const each = routes.map((route) => ({ name: nameOf(route), route }));
// What this file reads and parses holds the gateway's thread, too, and it refuses while it is behind.
beforeAll(() =>
  until('the gateway has caught up', async () => {
    const { status } = await request(house.address, 'GET', '/api/v1/openapi.json');
    return status === 200;
  }),
);
afterAll(() => house.stop());

const text = JSON.stringify(document);
const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, to = '']) => to);
const sourcesBelow = (folder: string): string[] =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|sql)$/.test(name) && !/node_modules|\.test\.ts$/.test(name))
    .map((name) => readFileSync(path.join(root, folder, name), 'utf8'));

/** The codes that a route names for a status. */
const codesFor = ({ operation }: Route, status: number): string[] =>
  [...(operation.responses[status]?.description ?? '').matchAll(/^`(\w+)`: /gm)].map(([, code = '']) => code);

describe('the document', () => {
  test('is OpenAPI 3.1 as we use it', async () => {
    const { body } = await request(house.address, 'GET', '/api/v1/openapi.json');
    expect(apiDocument.safeParse(body).error).toBeUndefined();
    expect((await request(house.address, 'GET', '/docs/json')).body).toEqual(body);
  });

  test('refers only to what it has, and has only what it refers to, each under one name', () => {
    const names = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`);
    expect([...new Set(references)].toSorted()).toEqual(names.toSorted());
    const said = Object.values(document.components.schemas).map((schema) => JSON.stringify(schema));
    expect(new Set(said).size).toBe(said.length);
    expect(Object.keys(document.components.schemas).filter((name) => /Input|Output|\d$/.test(name))).toEqual(
      [],
    );
  });

  test('has schemas that can be met', () => {
    const visit = (given: unknown): void => {
      if (typeof given !== 'object' || given === null) return;
      for (const one of Object.values(given)) visit(one);
      if ('pattern' in given && typeof given.pattern === 'string')
        expect(new RegExp(given.pattern, 'u')).toBeDefined();
      if (
        'properties' in given &&
        typeof given.properties === 'object' &&
        'required' in given &&
        Array.isArray(given.required)
      )
        expect(Object.keys(given.properties ?? {})).toEqual(expect.arrayContaining(given.required));
      if ('type' in given && given.type === 'array') expect(given).toHaveProperty('items');
    };
    visit(document.components.schemas);
    visit(document.paths);
  });
});

describe.each(each)('$name', ({ route }) => {
  const { operation } = route;
  const statuses = Object.keys(operation.responses);

  test('names its parameters, and each once', () => {
    const inPath = operation.parameters.filter((one) => one.in === 'path');
    expect(inPath.map(({ name }) => name).toSorted()).toEqual(pathNames(route).toSorted());
    expect(inPath.every(({ required }) => required)).toBe(true);
    const names = operation.parameters.map((one) => `${one.in} ${one.name}`);
    expect(new Set(names).size).toBe(names.length);
  });

  test('says what it answers, also when it refuses', () => {
    expect(statuses.some((status) => status.startsWith('2'))).toBe(true);
    for (const [status, { description, content = {}, headers = {} }] of Object.entries(operation.responses)) {
      expect(description).not.toMatch(/default response/i);
      if (Number(status) < 400 || route.path === '/readyz') continue;
      expect(Object.keys(content)).toEqual(['application/problem+json']);
      const codes = codesFor(route, Number(status));
      expect(codes).not.toEqual([]);
      expect(
        codes.filter((code) => !isRefusalCode(code) || refusals[code].status !== Number(status)),
      ).toEqual([]);
      expect(new Set(codes).size).toBe(codes.length);
      if (status === '429' || status === '503') expect(Object.keys(headers)).toEqual(['Retry-After']);
    }
  });

  test('says what follows from who may call it and what it does', () => {
    const expected = [
      ...(isProtected(route) ? [401, 429] : []),
      ...(isProtected(route) && route.method !== 'GET' ? [403] : []),
      ...(bodyOf(route) ||
      pathNames(route).length > 0 ||
      operation.parameters.some((one) => one.in === 'query')
        ? [400]
        : []),
      ...(bodyOf(route) ? [413, 415] : []),
      ...(isEffect(route) ? [202, 400, 409, 422, 503, 504] : []),
      ...(route.path.includes('/admin/') ? [403] : []),
      ...(route.path.startsWith('/api/') ? [503] : []),
    ];
    expect(statuses).toEqual(expect.arrayContaining(expected.map(String)));
    expect(operation.requestBody === undefined || route.method !== 'GET').toBe(true);
    if (!isEffect(route)) return;
    for (const [status, { headers = {} }] of Object.entries(operation.responses))
      if (status.startsWith('2')) expect(headers).toHaveProperty('Operation-Location');
    expect(operation.responses['202']?.headers).toHaveProperty('Location');
    expect(codesFor(route, 400)).toEqual(
      expect.arrayContaining(['idempotency_key_missing', 'idempotency_key_invalid']),
    );
  });

  test('is there, with the methods the document names', async () => {
    const sample = route.path.replace(/\{\w+\}/g, 'x');
    const reply = await request(house.address, 'OPTIONS', sample);
    expect(reply.body).toMatchObject({ status: 405, code: 'method_not_allowed' });
    const named = routes.filter((one) => one.path === route.path).map(({ method }) => method);
    const heads = named.includes('GET') ? ['HEAD'] : [];
    expect((reply.headers.get('allow') ?? '').split(', ').toSorted()).toEqual(
      [...named, ...heads].toSorted(),
    );
  });
});

test('every route in the sources is in the document', () => {
  // The document itself, what Prometheus reads, a list for those who check a line, and a stand-in for the promoter's system.
  const hidden = [
    'GET /openapi.json',
    'GET /metrics',
    'GET /concerts/{concertId}/queue/joins',
    'GET /partner-stub',
    'POST /partner-stub',
  ];
  const written = sourcesBelow('services/gateway/src').flatMap((source) =>
    [...source.matchAll(/\b(?:app|typed|scope)\.(get|post|put|patch|delete)(?:<[^(]*>)?\(\s*'([^']+)'/g)].map(
      ([, method = '', template = '']) => `${method.toUpperCase()} ${template.replace(/:(\w+)/g, '{$1}')}`,
    ),
  );
  expect(written.length).toBeGreaterThan(20);
  const documented = routes.map((route) => nameOf(route).replace('/api/v1', ''));
  expect(written.filter((one) => !hidden.includes(one)).toSorted()).toEqual(documented.toSorted());
});

/** What the contract promises of each route, beside what follows from what it is. */
const promised: Record<string, string> = {
  'POST /users': '201 email_taken',
  'GET /users/me': '200',
  'DELETE /users/me': '204 account_has_reservations',
  'POST /sessions': '201 invalid_credentials',
  'DELETE /sessions/current': '204 csrf_rejected',
  'GET /concerts': '200 invalid_cursor',
  'GET /concerts/{concertId}': '200',
  'GET /concerts/{concertId}/performances': '200 invalid_cursor',
  'GET /performances/{performanceId}': '200 performance_not_found',
  'GET /performances/{performanceId}/seat-map': '200 304',
  'GET /performances/{performanceId}/seats': '200',
  'GET /performances/{performanceId}/availability': '200 304 performance_not_found',
  'GET /performances/{performanceId}/availability/stream': '200 performance_not_found overloaded',
  'GET /performances/{performanceId}/best': '200 performance_not_found',
  'POST /reservations':
    '201 seat_unavailable seat_limit_exceeded sale_not_open sale_closed performance_not_found seat_not_found user_not_found timed_out',
  'GET /reservations': '200 invalid_cursor',
  'GET /reservations/{reservationId}': '200 reservation_not_found',
  'GET /reservations/{reservationId}/ticket':
    '200 reservation_not_found reservation_unpaid payment_in_progress reservation_cancelled reservation_expired',
  'GET /tickets/keys': '200',
  'GET /admin/performances/{performanceId}/cancelled-tickets':
    '200 role_required performance_not_found invalid_cursor',
  'POST /reservations/{reservationId}/payment':
    '201 insufficient_points reservation_expired reservation_cancelled already_paid payment_in_progress reservation_not_found timed_out',
  'POST /reservations/{reservationId}/cancellation':
    '200 reservation_expired payment_in_progress cancellation_closed reservation_not_found',
  'GET /points': '200',
  'GET /points/entries': '200 invalid_cursor',
  'POST /points/charges': '201 balance_limit charges_disabled',
  'GET /operations/{operationId}': '200 operation_not_found',
  'GET /admin/operations': '200 role_required',
  'PUT /admin/concerts/{concertId}': '200 role_required version_required version_conflict',
};

test.each(Object.entries(promised))('%s keeps the promises of the contract', (name, answers) => {
  const route = routes.find((one) => nameOf(one) === name.replace(' ', ' /api/v1'));
  const statuses = Object.keys(route?.operation.responses ?? {});
  const codes = statuses.flatMap((status) => (route ? codesFor(route, Number(status)) : []));
  expect([...statuses, ...codes]).toEqual(expect.arrayContaining(answers.split(' ')));
});

describe('refusals', () => {
  const sources = [...sourcesBelow('services'), ...sourcesBelow('kit/src')];

  test.each(Object.entries(refusals))(
    '%s is told in English and in Korean, and is used',
    (code, { status, en, ko }) => {
      expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(en).toMatch(/^[A-Z][\x20-\x7e]+\.$/);
      expect(ko).toMatch(/\p{Script=Hangul}/u);
      expect(ko).toMatch(/\.$/);
      expect(sources.some((source) => source.includes(`'${code}'`))).toBe(true);
    },
  );

  test('no two say the same', () => {
    for (const language of ['en', 'ko'] as const) {
      const texts = Object.values(refusals).map((refusal) => refusal[language]);
      expect(texts.filter((one, index) => texts.indexOf(one) !== index)).toEqual([]);
    }
  });
});

describe('/docs', () => {
  test('serves a page whose every asset loads under its own policy', async () => {
    const page = await request(house.address, 'GET', '/docs');
    expect(page.headers.get('content-type')).toContain('text/html');
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'; script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    // Nothing that the policy would stop: no script in the page, nothing from elsewhere.
    expect(page.text).not.toMatch(/<script(?![^>]*\bsrc=)|\son\w+=/);
    const assets = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, asset = '']) => asset);
    expect(assets.length).toBeGreaterThanOrEqual(5);
    const types: Record<string, RegExp> = { js: /javascript/, css: /text\/css/, png: /image\/png/ };
    for (const asset of assets) {
      expect(asset).toMatch(/^\/docs\//);
      const { status, headers, text: content } = await request(house.address, 'GET', asset);
      expect(status, asset).toBe(200);
      expect(headers.get('content-type')).toMatch(types[asset.split('.').at(-1) ?? ''] ?? /none/);
      expect(content.length, asset).toBeGreaterThan(50);
    }
  });
});
