import type {
  AdmissionQuestion,
  AdmissionRecord,
  ConcertQueries,
  Sale,
  SaleAct,
  SaleChange,
  SaleView,
} from '@tutti/contracts';
import { SaleService } from '@tutti/contracts/wire/sale';
import { rpcClient, RpcServer, type RpcClient } from '@tutti/kit/rpc';
import { createLog } from '@tutti/kit/service';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test, type Mock } from 'vitest';
import { serveConcert } from '../../services/concert/src/rpc.ts';
import { remoteQueries, type RemoteQueries } from '../../services/gateway/src/rpc.ts';
import { saleQueries } from '../../services/waiting-room/src/catalogue.ts';
import { serveWaitingRoom } from '../../services/waiting-room/src/rpc.ts';
import { mockedLine, mockedSales, type Mocked } from '../support/mocked-queries.ts';

// Between the gateway, the waiting room and the concert service, everything arrives as it was.

const sales = mockedSales();
const line = mockedLine();
const concerts: Mocked<ConcertQueries> = Object.create(null);

const server = new RpcServer({ log: createLog('silent') });
let remote: RemoteQueries;
let concert: RpcClient<typeof SaleService>;
beforeAll(async () => {
  serveWaitingRoom(server, line);
  serveConcert(server, concerts, sales);
  const address = await server.listen('127.0.0.1', 0);
  concert = rpcClient(SaleService, address);
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
  concert.close();
  await server.stop(0);
});

const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const id = fc.uuid();
const slug = fc.stringMatching(/^[A-Za-z0-9-]{1,64}$/);
const time = fc
  .date({ min: new Date('1970-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString());
const int = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const pace = fc.double({ min: 0, max: 10_000, noNaN: true });
const list = <T>(some: fc.Arbitrary<T>) => fc.array(some, { maxLength: 6 });
const state = fc.constantFrom('open' as const, 'paused' as const, 'closed' as const);

async function holds<Args extends unknown[], Answer>(
  asked: Mock,
  ask: (...args: Args) => Promise<Answer>,
  args: fc.Arbitrary<Args>,
  answers: fc.Arbitrary<Answer>,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(args, answers, async (given, answer) => {
      asked.mockReset().mockResolvedValue(answer);
      expect(await ask(...given)).toStrictEqual(structuredClone(answer));
      expect(asked.mock.calls).toStrictEqual([structuredClone(given)]);
    }),
    { numRuns: 40 },
  );
}

test('of places and admissions', async () => {
  const known = {
    queueToken: text,
    isNew: fc.boolean(),
    ahead: int,
    estimatedWaitSeconds: fc.record({ low: int, high: int }),
  };
  const place = fc.oneof(
    fc.record({ ...known, status: fc.constant('pre_queue' as const), arrival: int }),
    fc.record({ ...known, status: fc.constantFrom('waiting' as const, 'admitted' as const), number: int }),
  );
  const noPlace = fc.constantFrom('no_waiting_room' as const, 'sold_out' as const, 'sale_closed' as const);
  await holds(line.join, remote.line.join, fc.tuple(slug, id), fc.oneof(place, noPlace));
  await holds(line.queue, remote.line.queue, fc.tuple(slug), fc.option(text));
  await holds(line.joins, remote.line.joins, fc.tuple(slug, int), fc.option(list(text)));
  const answers = fc.oneof(
    fc.record({ admissionToken: text, expiresAt: time }),
    fc.record({ code: fc.constant('not_your_turn' as const), ahead: int, retryAfterSeconds: int }),
    fc.record({
      code: fc.constantFrom(
        'no_waiting_room' as const,
        'queue_token_invalid' as const,
        'sale_paused' as const,
        'sale_closed' as const,
        'sold_out' as const,
        'overloaded' as const,
      ),
    }),
  );
  await holds(line.admit, remote.line.admit, fc.tuple(slug, id, text), answers);
  const left = fc.constantFrom('left' as const, 'no_waiting_room' as const);
  await holds(line.leave, remote.line.leave, fc.tuple(slug, id), left);
});

test('of sales', async () => {
  const asking = saleQueries(concert.call);
  const sale: fc.Arbitrary<Sale> = fc.record({
    concertId: slug,
    state,
    opensAt: time,
    inside: int,
    pace,
    capacity: int,
    held: int,
    paid: int,
    seatsLeft: list(fc.record({ grade: text, price: int, left: int })),
  });
  const record: fc.Arbitrary<AdmissionRecord> = fc.record({
    concertId: slug,
    userId: id,
    number: int,
    generation: int,
    since: int,
  });
  const question: fc.Arbitrary<AdmissionQuestion> = fc
    .tuple(record, fc.boolean())
    .map(([one, mayEnd]) => ({ ...one, mayEnd }));
  await holds(sales.sales, asking.sales, fc.tuple(), list(sale));
  await holds(sales.recordAdmissions, asking.recordAdmissions, fc.tuple(list(record)), list(fc.boolean()));
  const states = list(fc.constantFrom('inside' as const, 'holding' as const, 'over' as const));
  await holds(sales.settleAdmissions, asking.settleAdmissions, fc.tuple(list(question)), states);
});

test('of the promoter’s hand on them', async () => {
  const view: fc.Arbitrary<SaleView> = fc.record({
    concertId: slug,
    state: fc.oneof(state, fc.constant('scheduled' as const)),
    opensAt: time,
    waitingRoom: fc.option(fc.record({ inside: int, pace })),
  });
  const act: fc.Arbitrary<SaleAct> = fc.record({
    at: time,
    userId: id,
    state,
    pace: fc.option(pace),
    reason: text,
  });
  const change: fc.Arbitrary<SaleChange> = fc.record(
    { state, pace, reason: text },
    { requiredKeys: ['reason'] },
  );
  const guarded = list(fc.record({ performanceId: slug, concertId: slug }));
  await holds(sales.guarded, remote.sales.guarded, fc.tuple(), guarded);
  const shown = fc.option(fc.record({ sale: view, acts: list(act) }));
  await holds(sales.sale, remote.sales.sale, fc.tuple(slug), shown);
  const refusal = fc.constantFrom('not_found' as const, 'no_waiting_room' as const);
  await holds(sales.changeSale, remote.sales.changeSale, fc.tuple(slug, id, change), fc.oneof(view, refusal));
});
