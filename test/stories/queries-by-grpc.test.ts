import type {
  Account,
  Concert,
  ConcertEdit,
  ConcertQueries,
  Delivery,
  Operation,
  OperationQueries,
  PartnerQueries,
  PaymentQueries,
  Performance,
  PointEntry,
  Reservation,
  SeatList,
  Session,
  UserQueries,
} from '@tutti/contracts';
import { RpcServer } from '@tutti/kit/rpc';
import { createLog } from '@tutti/kit/service';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi, type Mock } from 'vitest';
import { serveConcert } from '../../services/concert/src/rpc.ts';
import { remoteQueries, type RemoteQueries } from '../../services/gateway/src/rpc.ts';
import { serveOrchestrator } from '../../services/orchestrator/src/rpc.ts';
import { servePartner } from '../../services/partner/src/rpc.ts';
import { servePayment } from '../../services/payment/src/rpc.ts';
import { serveWaitingRoom } from '../../services/waiting-room/src/rpc.ts';
import { serveUser } from '../../services/user/src/rpc.ts';
import { mockedLine, mockedSales, type Mocked } from '../support/mocked-queries.ts';

// What the gateway asks by gRPC is answered as if it had asked directly: every argument arrives and every answer comes back
// as it was, whatever it is.

const users: Mocked<UserQueries> = {
  signUp: vi.fn(),
  signIn: vi.fn(),
  signOut: vi.fn(),
  account: vi.fn(),
  deleteAccount: vi.fn(),
  endedSessions: vi.fn(),
};
const concerts: Mocked<ConcertQueries> = {
  concerts: vi.fn(),
  concert: vi.fn(),
  editConcert: vi.fn(),
  performances: vi.fn(),
  performance: vi.fn(),
  seatMap: vi.fn(),
  seats: vi.fn(),
  availability: vi.fn(),
  reservations: vi.fn(),
  reservation: vi.fn(),
  ticket: vi.fn(),
  cancelledTickets: vi.fn(),
  hasReservations: vi.fn(),
};
const payments: Mocked<PaymentQueries> = { balance: vi.fn(), entries: vi.fn() };
const operations: Mocked<OperationQueries> = { operation: vi.fn(), isKnown: vi.fn(), stuck: vi.fn() };
const deliveries: Mocked<PartnerQueries> = { undelivered: vi.fn(), replay: vi.fn() };

const sales = mockedSales();
const line = mockedLine();

const server = new RpcServer({ log: createLog('silent') });
let remote: RemoteQueries;

beforeAll(async () => {
  serveUser(server, users);
  serveConcert(server, concerts, sales);
  serveWaitingRoom(server, line);
  servePayment(server, payments);
  serveOrchestrator(server, operations);
  servePartner(server, deliveries);
  const address = await server.listen('127.0.0.1', 0);
  remote = remoteQueries({
    user: address,
    concert: address,
    payment: address,
    partner: address,
    orchestrator: address,
    'waiting-room': address,
  });
});
afterAll(async () => {
  remote.close();
  await server.stop(0);
});

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.constantFrom('', '마지막 배', 'Ünïcode “quotes”', '🎻🎶', 'a\u0000b'),
);
const id = fc.uuid();
const slug = fc.stringMatching(/^[A-Za-z0-9-]{1,64}$/);
const time = fc
  .date({ min: new Date('1970-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString());
const int = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const limit = fc.integer({ min: 1, max: 100 });
const large = fc.maxSafeNat();
const flag = fc.boolean();
const maybe = <T>(some: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(some, { nil: null });
const list = <T>(some: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(some, { maxLength: 8 });
const page = <T, C>(some: fc.Arbitrary<T>, cursor: fc.Arbitrary<C>) =>
  fc.record({ items: list(some), next: maybe(cursor) });

const role = fc.constantFrom('fan', 'promoter', 'operator');
const account: fc.Arbitrary<Account> = fc.record({ userId: id, name: text, email: text, role });
const session: fc.Arbitrary<Session> = fc.record({ accessToken: text, expiresAt: time, userId: id });

const translation = fc.record({ title: text, artist: text, venue: text });
const concert: fc.Arbitrary<Concert> = fc.record({
  concertId: slug,
  title: text,
  artist: text,
  venue: text,
  onSaleAt: time,
  saleState: fc.constantFrom('scheduled', 'open', 'paused', 'closed'),
  priceRange: fc.record({ min: int, max: int }),
  waitingRoom: flag,
  translations: fc.record({ ko: translation, en: translation }),
  version: int,
});
const edit: fc.Arbitrary<ConcertEdit> = fc.record(
  { title: text, artist: text, onSaleAt: time, saleState: fc.constantFrom('open', 'paused', 'closed') },
  { requiredKeys: [] },
);
const performance: fc.Arbitrary<Performance> = fc.record({
  performanceId: slug,
  startsAt: time,
  seatsTotal: int,
  seatsAvailable: int,
});
const seatList: fc.Arbitrary<SeatList> = fc.record({
  version: int,
  sequence: large,
  seats: fc.array(
    fc.record({
      seatId: slug,
      label: text,
      status: fc.constantFrom('available', 'reserved', 'paid'),
      price: int,
    }),
  ),
});
const reservation: fc.Arbitrary<Reservation> = fc.record({
  reservationId: id,
  status: fc.constantFrom('reserved', 'paying', 'paid', 'cancelled', 'expired'),
  performanceId: slug,
  seats: list(fc.record({ seatId: slug, label: text, price: int })),
  amount: int,
  expiresAt: time,
});

const entry: fc.Arbitrary<PointEntry> = fc.record(
  {
    entryId: id,
    type: fc.constantFrom('charge', 'payment', 'return'),
    amount: fc.maxSafeInteger(),
    balanceAfter: large,
    at: time,
    reservationId: id,
  },
  { requiredKeys: ['entryId', 'type', 'amount', 'balanceAfter', 'at'] },
);

const operation: fc.Arbitrary<Operation> = fc.record({
  id,
  saga: slug,
  status: fc.constantFrom('running', 'compensating', 'succeeded', 'failed'),
  code: maybe(text),
  steps: list(
    fc.record({
      name: slug,
      service: text,
      status: fc.constantFrom('pending', 'running', 'ok', 'refused', 'undone'),
      attempts: int,
      startedAt: maybe(time),
      endedAt: maybe(time),
    }),
  ),
});
const delivery: fc.Arbitrary<Delivery> = fc.record({
  deliveryId: id,
  reservationId: id,
  type: text,
  createdAt: time,
  attempts: int,
  lastError: maybe(text),
  nextAttemptAt: time,
  setAsideAt: maybe(time),
});

/** Asks through gRPC with arguments and answers of every kind, and compares both ends. */
async function holds<Args extends unknown[], Answer>(
  asked: Mock,
  ask: (...args: Args) => Promise<Answer>,
  args: fc.Arbitrary<Args>,
  answers: fc.Arbitrary<Answer>,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(args, answers, async (given, answer) => {
      asked.mockReset().mockResolvedValue(answer);
      // As plain objects: fast-check makes some that have no prototype.
      expect(await ask(...given)).toStrictEqual(structuredClone(answer));
      expect(asked.mock.calls).toStrictEqual([structuredClone(given)]);
    }),
    { numRuns: 40 },
  );
}

describe('what is asked and answered by gRPC arrives as it was', () => {
  test('of users', async () => {
    const caller = fc.record({ userId: id, sessionId: id, role });
    const newcomer = fc.record({ name: text, email: text, password: text });
    const created = fc.record({ userId: id, name: text, email: text });
    const full = fc.constant('overloaded' as const);
    await holds(
      users.signUp,
      remote.users.signUp,
      fc.tuple(newcomer),
      fc.oneof(created, full, fc.constant('email_taken' as const)),
    );
    const unknown = fc.constant('invalid_credentials' as const);
    await holds(users.signIn, remote.users.signIn, fc.tuple(text, text), fc.oneof(session, full, unknown));
    await holds(users.signOut, remote.users.signOut, fc.tuple(caller), fc.constant(undefined));
    await holds(users.account, remote.users.account, fc.tuple(id), maybe(account));
    await holds(
      users.deleteAccount,
      remote.users.deleteAccount,
      fc.tuple(id, text),
      fc.oneof(full, unknown, fc.constant('deleted' as const)),
    );
    await holds(users.endedSessions, remote.users.endedSessions, fc.tuple(), list(id));
  });

  test('of concerts', async () => {
    const { concerts: asking } = remote;
    await holds(concerts.concerts, asking.concerts, fc.tuple(limit, maybe(slug)), page(concert, slug));
    await holds(concerts.concert, asking.concert, fc.tuple(slug), maybe(concert));
    const edited = fc.oneof(concert, fc.constantFrom('not_found' as const, 'conflict' as const));
    await holds(concerts.editConcert, asking.editConcert, fc.tuple(slug, int, edit), edited);
    await holds(
      concerts.performances,
      asking.performances,
      fc.tuple(slug, limit, maybe(text)),
      maybe(page(performance, text)),
    );
    const one = fc.tuple(performance, slug).map(([of, concertId]) => ({ ...of, concertId }));
    await holds(concerts.performance, asking.performance, fc.tuple(slug), maybe(one));
    const seatMap = fc.record({ version: int, body: fc.json() });
    await holds(concerts.seatMap, asking.seatMap, fc.tuple(slug), maybe(seatMap));
    await holds(concerts.seats, asking.seats, fc.tuple(slug, flag), maybe(seatList));
    const known = fc.record({
      performanceId: slug,
      version: fc.integer({ min: -1, max: 9 }),
      sequence: large,
    });
    const availability = fc
      .tuple(known, maybe(fc.uint8Array()))
      .map(([one, bytes]) => ({ ...one, seats: bytes }));
    await holds(concerts.availability, asking.availability, fc.tuple(list(known)), list(availability));
    await holds(
      concerts.reservations,
      asking.reservations,
      fc.tuple(id, limit, maybe(id)),
      page(reservation, id),
    );
    await holds(concerts.reservation, asking.reservation, fc.tuple(id, id), maybe(reservation));
    const facts = fc.tuple(reservation, maybe(time)).map(([one, paidAt]) => ({ ...one, paidAt }));
    await holds(concerts.ticket, asking.ticket, fc.tuple(id, id), maybe(facts));
    await holds(
      concerts.cancelledTickets,
      asking.cancelledTickets,
      fc.tuple(slug, limit, maybe(id)),
      maybe(page(id, id)),
    );
    await holds(concerts.hasReservations, asking.hasReservations, fc.tuple(id), flag);
  });

  test('of points', async () => {
    const { payments: asking } = remote;
    await holds(payments.balance, asking.balance, fc.tuple(id), fc.record({ balance: large }));
    await holds(payments.entries, asking.entries, fc.tuple(id, limit, maybe(large)), page(entry, large));
  });

  test('of operations', async () => {
    const { operations: asking } = remote;
    await holds(operations.operation, asking.operation, fc.tuple(id, id), maybe(operation));
    await holds(operations.isKnown, asking.isKnown, fc.tuple(id, text, text), flag);
    await holds(operations.stuck, asking.stuck, fc.tuple(limit), list(operation));
  });

  test('of deliveries', async () => {
    const { deliveries: asking } = remote;
    await holds(deliveries.undelivered, asking.undelivered, fc.tuple(limit), list(delivery));
    await holds(deliveries.replay, asking.replay, fc.tuple(id), flag);
  });
});

test('the JSON of a concert has one order of fields, for its ETag', async () => {
  await fc.assert(
    fc.asyncProperty(concert, async (one) => {
      concerts.concert.mockReset().mockResolvedValue(one);
      const first = JSON.stringify(await remote.concerts.concert('a'));
      concerts.concert.mockReset().mockResolvedValue(Object.fromEntries(Object.entries(one).toReversed()));
      expect(JSON.stringify(await remote.concerts.concert('a'))).toBe(first);
    }),
    { numRuns: 10 },
  );
});

test('a list of 60,000 seats fits into one answer', async () => {
  const seats = Array.from({ length: 60_000 }, (_, index) => ({
    seatId: `${'long-name-of-a-section'.repeat(2)}-${index}`,
    label: `2층 ${index}구역 ${index}열 ${index}번`,
    status: 'available' as const,
    price: 132_000,
  }));
  concerts.seats.mockReset().mockResolvedValue({ version: 1, sequence: 1, seats });
  expect((await remote.concerts.seats('arena', false))?.seats).toEqual(seats);
});

test('every service is asked for its health by its own name', async () => {
  await Promise.all(Object.values(remote.checks).map((check) => check()));
});

test.each([
  ['signUp', () => remote.users.signUp({ name: 'a', email: 'b', password: 'c' }), users.signUp],
  ['signOut', () => remote.users.signOut({ userId: 'a', sessionId: 'b', role: 'fan' }), users.signOut],
  ['deleteAccount', () => remote.users.deleteAccount('a', 'b'), users.deleteAccount],
  ['editConcert', () => remote.concerts.editConcert('a', 1, {}), concerts.editConcert],
  ['replay', () => remote.deliveries.replay('a'), deliveries.replay],
] as const)('%s changes something and is never asked again by itself', async (_, ask, asked) => {
  asked.mockReset().mockRejectedValue(Object.assign(new Error('gone'), { code: 'ECONNRESET' }));
  await expect(ask()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(asked).toHaveBeenCalledTimes(1);
});

test.each([
  ['balance', () => remote.payments.balance('a'), payments.balance],
  ['seats', () => remote.concerts.seats('a', true), concerts.seats],
  ['isKnown', () => remote.operations.isKnown('a', 'b', 'c'), operations.isKnown],
  ['operation', () => remote.operations.operation('a', 'b'), operations.operation],
  ['undelivered', () => remote.deliveries.undelivered(1), deliveries.undelivered],
  ['endedSessions', () => remote.users.endedSessions(), users.endedSessions],
] as const)('%s only reads and is asked three times', async (_, ask, asked) => {
  asked.mockReset().mockRejectedValue(Object.assign(new Error('gone'), { code: 'ECONNRESET' }));
  await expect(ask()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(asked).toHaveBeenCalledTimes(3);
});
