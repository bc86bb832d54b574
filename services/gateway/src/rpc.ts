import type {
  ConcertQueries,
  OperationQueries,
  PartnerQueries,
  PaymentQueries,
  SaleControls,
  UserQueries,
  WaitingRoomQueries,
} from '@tutti/contracts';
import {
  availabilityFromWire,
  concertFromWire,
  ConcertService,
  editedFromWire,
  editToWire,
  knownToWire,
  onePerformanceFromWire,
  performancesFromWire,
  reservationFromWire,
  seatsFromWire,
  ticketFromWire,
} from '@tutti/contracts/wire/concert';
import { admittedFromWire, joinedFromWire, LineService } from '@tutti/contracts/wire/line';
import { operationFromWire, OrchestratorService } from '@tutti/contracts/wire/orchestrator';
import { deliveryFromWire, PartnerService } from '@tutti/contracts/wire/partner';
import { entriesFromWire, PaymentService, positionToWire } from '@tutti/contracts/wire/payment';
import { changedFromWire, changeToWire, SaleService, shownFromWire } from '@tutti/contracts/wire/sale';
import {
  accountFromWire,
  deletionFromWire,
  roles,
  signInFromWire,
  signUpFromWire,
  UserService,
} from '@tutti/contracts/wire/user';
import { rpcClient, type Calls } from '@tutti/kit/rpc';
import type { Spans } from '@tutti/kit/telemetry';

/** Where each service listens: `host:port`, several with commas between, or a gRPC target. */
export type ServiceAddresses = {
  readonly user: string;
  readonly concert: string;
  readonly payment: string;
  readonly partner: string;
  readonly orchestrator: string;
  readonly 'waiting-room': string;
};

/** What the gateway asks, when those it asks are processes of their own. */
export type RemoteQueries = {
  readonly users: UserQueries;
  readonly concerts: ConcertQueries;
  readonly payments: PaymentQueries;
  readonly operations: OperationQueries;
  readonly deliveries: PartnerQueries;
  readonly sales: SaleControls;
  readonly line: WaitingRoomQueries;
  /** One per service: rejects unless one of its servers serves. */
  readonly checks: Readonly<Record<keyof ServiceAddresses, () => Promise<void>>>;
  close(): void;
};

// The list of a whole hall is large, and passwords are hashed one after the other in a queue.
const seatsMs = 5_000;
const hashingMs = 10_000;
/** A crowd that comes at once waits for its batch. */
const joinMs = 8_000;

/** Connects when first asked; a service that is not there yet is no fault. */
export function remoteQueries(addresses: ServiceAddresses, spans?: Spans): RemoteQueries {
  const user = rpcClient(UserService, addresses.user, {
    deadlinesMs: { signUp: hashingMs, signIn: hashingMs, deleteAccount: hashingMs },
    spans,
  });
  const concert = rpcClient(ConcertService, addresses.concert, {
    deadlinesMs: { seats: seatsMs, seatMap: seatsMs },
    spans,
  });
  const payment = rpcClient(PaymentService, addresses.payment, { spans });
  const partner = rpcClient(PartnerService, addresses.partner, { spans });
  const orchestrator = rpcClient(OrchestratorService, addresses.orchestrator, { spans });
  const sale = rpcClient(SaleService, addresses.concert, { spans });
  const line = rpcClient(LineService, addresses['waiting-room'], { deadlinesMs: { join: joinMs }, spans });
  const clients = { user, concert, payment, partner, orchestrator, sale, line };
  return {
    users: userQueries(user.call),
    concerts: concertQueries(concert.call),
    payments: paymentQueries(payment.call),
    operations: operationQueries(orchestrator.call),
    deliveries: partnerQueries(partner.call),
    sales: saleControls(sale.call),
    line: lineQueries(line.call),
    checks: {
      user: user.check,
      concert: concert.check,
      payment: payment.check,
      partner: partner.check,
      orchestrator: orchestrator.check,
      'waiting-room': line.check,
    },
    close: () => {
      for (const client of Object.values(clients)) client.close();
    },
  };
}

const userQueries = (call: Calls<typeof UserService>): UserQueries => ({
  signUp: async (account) => signUpFromWire(await call.signUp(account)),
  signIn: async (email, password) => signInFromWire(await call.signIn({ email, password })),
  signOut: async ({ userId, sessionId, role }) => {
    await call.signOut({ userId, sessionId, role: roles.toWire(role) });
  },
  account: async (userId) => {
    const { account } = await call.account({ userId });
    return account ? accountFromWire(account) : null;
  },
  deleteAccount: async (userId, password) => deletionFromWire(await call.deleteAccount({ userId, password })),
  endedSessions: async () => (await call.endedSessions({})).ids,
});

const concertQueries = (call: Calls<typeof ConcertService>): ConcertQueries => ({
  concerts: async (limit, after) => {
    const { items, next } = await call.concerts({ limit, after: after ?? undefined });
    return { items: items.map(concertFromWire), next: next ?? null };
  },
  concert: async (concertId) => {
    const { concert } = await call.concert({ concertId });
    return concert ? concertFromWire(concert) : null;
  },
  editConcert: async (concertId, version, edit) =>
    editedFromWire(await call.editConcert({ concertId, version, edit: editToWire(edit) })),
  performances: async (concertId, limit, after) => {
    const { page } = await call.performances({ concertId, limit, after: after ?? undefined });
    return page ? performancesFromWire(page) : null;
  },
  performance: async (performanceId) => onePerformanceFromWire(await call.performance({ performanceId })),
  seatMap: async (performanceId) => {
    const { seatMap } = await call.seatMap({ performanceId });
    return seatMap ? { version: seatMap.version, body: seatMap.body } : null;
  },
  seats: async (performanceId, onlyAvailable) => {
    const { seatList } = await call.seats({ performanceId, onlyAvailable });
    return seatList ? seatsFromWire(seatList) : null;
  },
  availability: async (known) => {
    const { items } = await call.availability({ known: known.map(knownToWire) });
    return items.map(availabilityFromWire);
  },
  reservations: async (userId, limit, before) => {
    const { items, next } = await call.reservations({ userId, limit, before: before ?? undefined });
    return { items: items.map(reservationFromWire), next: next ?? null };
  },
  reservation: async (userId, reservationId) => {
    const { reservation } = await call.reservation({ userId, reservationId });
    return reservation ? reservationFromWire(reservation) : null;
  },
  ticket: async (userId, reservationId) => ticketFromWire(await call.ticket({ userId, reservationId })),
  cancelledTickets: async (performanceId, limit, after) => {
    const { page } = await call.cancelledTickets({ performanceId, limit, after: after ?? undefined });
    return page ? { items: page.reservationIds, next: page.next ?? null } : null;
  },
  hasReservations: async (userId) => (await call.hasReservations({ userId })).hasReservations,
});

const paymentQueries = (call: Calls<typeof PaymentService>): PaymentQueries => ({
  balance: async (userId) => ({ balance: Number((await call.balance({ userId })).balance) }),
  entries: async (userId, limit, before) =>
    entriesFromWire(await call.entries({ userId, limit, before: positionToWire(before) })),
});

const operationQueries = (call: Calls<typeof OrchestratorService>): OperationQueries => ({
  operation: async (operationId, userId) => {
    const { operation } = await call.operation({ operationId, userId });
    return operation ? operationFromWire(operation) : null;
  },
  isKnown: async (userId, route, key) => (await call.known({ userId, route, key })).isKnown,
  stuck: async (limit) => (await call.stuck({ limit })).items.map(operationFromWire),
});

const partnerQueries = (call: Calls<typeof PartnerService>): PartnerQueries => ({
  undelivered: async (limit) => (await call.undelivered({ limit })).items.map(deliveryFromWire),
  replay: async (deliveryId) => (await call.replay({ deliveryId })).isDue,
});

const saleControls = (call: Calls<typeof SaleService>): SaleControls => ({
  guarded: async () => {
    const { performances } = await call.guarded({});
    return performances.map(({ performanceId, concertId }) => ({ performanceId, concertId }));
  },
  sale: async (concertId) => shownFromWire(await call.sale({ concertId })),
  changeSale: async (concertId, userId, change) =>
    changedFromWire(await call.changeSale({ concertId, userId, ...changeToWire(change) })),
});

const lineQueries = (call: Calls<typeof LineService>): WaitingRoomQueries => ({
  join: async (concertId, userId) => joinedFromWire(await call.join({ concertId, userId })),
  queue: async (concertId) => (await call.queue({ concertId })).body ?? null,
  joins: async (concertId, from) => (await call.joins({ concertId, from })).list?.joins ?? null,
  admit: async (concertId, userId, queueToken) =>
    admittedFromWire(await call.admit({ concertId, userId, queueToken })),
  leave: async (concertId, userId) =>
    (await call.leave({ concertId, userId })).hasWaitingRoom ? 'left' : 'no_waiting_room',
});
