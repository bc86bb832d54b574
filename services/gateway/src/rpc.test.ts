import { UserService } from '@tutti/contracts/wire/user';
import { InProcessBus } from '@tutti/kit/messaging';
import { RpcServer } from '@tutti/kit/rpc';
import { createLog } from '@tutti/kit/service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startGateway, type Gateway } from './main.ts';
import { defaultRateLimits } from './rate-limits.ts';
import { remoteQueries, type RemoteQueries } from './rpc.ts';

// A gateway whose services are processes of their own: one is there, the others are not.
const log = createLog('silent');
const server = new RpcServer({ log });
const bus = new InProcessBus();
let remote: RemoteQueries;
let gateway: Gateway;
/** What is left of the caller's patience when it arrives, by method. */
const patienceMs = new Map<string, number>();

beforeAll(async () => {
  server.serve(UserService, {
    signUp: async (_, { remainingMs }) => {
      patienceMs.set('signUp', remainingMs());
      return { result: { case: 'refusal', value: 1 } };
    },
    signIn: () => Promise.reject(new Error('a fault')),
    signOut: async () => ({}),
    account: async () => ({}),
    deleteAccount: async () => ({}),
    endedSessions: async (_, { remainingMs }) => {
      patienceMs.set('endedSessions', remainingMs());
      return { ids: [] };
    },
  });
  const there = await server.listen('127.0.0.1', 0);
  const gone = new RpcServer({ log });
  const away = await gone.listen('127.0.0.1', 0);
  await gone.stop(0);
  remote = remoteQueries({
    user: there,
    concert: away,
    payment: away,
    partner: away,
    orchestrator: away,
    'waiting-room': away,
  });
  gateway = await startGateway({
    ...remote,
    bus,
    log,
    host: '127.0.0.1',
    port: 0,
    partnerStub: null,
    accessTokenKey: Buffer.alloc(32, 7),
    admissionTokenKey: Buffer.alloc(32, 8),
    ticketKey: Buffer.alloc(32),
    rateLimits: defaultRateLimits,
    chargesEnabled: false,
  });
});
afterAll(async () => {
  await gateway.stop();
  remote.close();
  await server.stop(0);
  await bus.close();
});

const post = (path: string, body: object): Promise<Response> =>
  fetch(`${gateway.address}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

test('what a service refuses is told as if it were in this process', async () => {
  const account = { name: '홍길동', email: 'hong@example.com', password: 'long enough' };
  const response = await post('/api/v1/users', account);
  expect(await response.json()).toMatchObject({ code: 'email_taken' });
});

test('hashing a password may take longer than looking something up', () => {
  expect(patienceMs.get('signUp')).toBeGreaterThan(2_500);
  expect(patienceMs.get('endedSessions')).toBeLessThanOrEqual(2_000);
});

test('a service that is not there is not the fault of the client: ask again', async () => {
  const response = await fetch(`${gateway.address}/api/v1/concerts`);
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ code: 'overloaded' });
  expect(response.headers.get('retry-after')).not.toBeNull();
});

test('a fault of a service is an internal error, whose cause nobody is told', async () => {
  const response = await post('/api/v1/sessions', { email: 'a@example.com', password: 'long enough' });
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain('a fault');
});

test('readiness names the services that are missing', async () => {
  const response = await fetch(`${gateway.address}/readyz`);
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({
    failing: ['concert', 'payment', 'partner', 'orchestrator', 'waiting-room'],
    parts: { user: true },
  });
});
