import type { ConcertQueries, SaleControls, SaleQueries } from '@tutti/contracts';
import {
  availabilityToWire,
  ConcertService,
  concertToWire,
  editedToWire,
  editFromWire,
  knownFromWire,
  onePerformanceToWire,
  performancesToWire,
  reservationToWire,
  seatsToWire,
  ticketToWire,
} from '@tutti/contracts/wire/concert';
import {
  admissionStates,
  changedToWire,
  changeFromWire,
  questionFromWire,
  recordFromWire,
  saleToWire,
  SaleService,
  shownToWire,
} from '@tutti/contracts/wire/sale';
import type { RpcServer } from '@tutti/kit/rpc';

/** Answers the queries of others over gRPC. */
export function serveConcert(
  server: RpcServer,
  queries: ConcertQueries,
  sales: SaleQueries & SaleControls,
): void {
  serveSales(server, sales);
  server.serve(ConcertService, {
    concerts: async ({ limit, after }) => {
      const { items, next } = await queries.concerts(limit, after ?? null);
      return { items: items.map(concertToWire), next: next ?? undefined };
    },
    concert: async ({ concertId }) => {
      const concert = await queries.concert(concertId);
      return { ...(concert && { concert: concertToWire(concert) }) };
    },
    editConcert: async ({ concertId, version, edit }) =>
      editedToWire(await queries.editConcert(concertId, version, edit ? editFromWire(edit) : {})),
    performances: async ({ concertId, limit, after }) => {
      const page = await queries.performances(concertId, limit, after ?? null);
      return { ...(page && { page: performancesToWire(page) }) };
    },
    performance: async ({ performanceId }) => {
      const performance = await queries.performance(performanceId);
      return { ...(performance && onePerformanceToWire(performance)) };
    },
    seatMap: async ({ performanceId }) => {
      const seatMap = await queries.seatMap(performanceId);
      return { ...(seatMap && { seatMap }) };
    },
    seats: async ({ performanceId, onlyAvailable }) => {
      const seats = await queries.seats(performanceId, onlyAvailable);
      return { ...(seats && { seatList: seatsToWire(seats) }) };
    },
    availability: async ({ known }) => {
      const items = await queries.availability(known.map(knownFromWire));
      return { items: items.map(availabilityToWire) };
    },
    reservations: async ({ userId, limit, before }) => {
      const { items, next } = await queries.reservations(userId, limit, before ?? null);
      return { items: items.map(reservationToWire), next: next ?? undefined };
    },
    reservation: async ({ userId, reservationId }) => {
      const reservation = await queries.reservation(userId, reservationId);
      return { ...(reservation && { reservation: reservationToWire(reservation) }) };
    },
    ticket: async ({ userId, reservationId }) => {
      const facts = await queries.ticket(userId, reservationId);
      return { ...(facts && ticketToWire(facts)) };
    },
    cancelledTickets: async ({ performanceId, limit, after }) => {
      const page = await queries.cancelledTickets(performanceId, limit, after ?? null);
      return { ...(page && { page: { reservationIds: page.items, next: page.next ?? undefined } }) };
    },
    hasReservations: async ({ userId }) => ({ hasReservations: await queries.hasReservations(userId) }),
  });
}

function serveSales(server: RpcServer, queries: SaleQueries & SaleControls): void {
  server.serve(SaleService, {
    sales: async () => ({ sales: (await queries.sales()).map(saleToWire) }),
    guarded: async () => ({ performances: await queries.guarded() }),
    recordAdmissions: async ({ records }) => ({
      recorded: await queries.recordAdmissions(records.map(recordFromWire)),
    }),
    settleAdmissions: async ({ questions }) => {
      const states = await queries.settleAdmissions(questions.map(questionFromWire));
      return { states: states.map((state) => admissionStates.toWire(state)) };
    },
    sale: async ({ concertId }) => shownToWire(await queries.sale(concertId)),
    changeSale: async (request) =>
      changedToWire(await queries.changeSale(request.concertId, request.userId, changeFromWire(request))),
  });
}
