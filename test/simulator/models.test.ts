import { concert, partner, payment } from '@tutti/contracts';
import { Lease } from '@tutti/kit/lock';
import { callHandle, commandSettings } from '@tutti/kit/participant';
import { SagaStore, sagaMigrations, type CommandMessage, type RowWrite } from '@tutti/kit/saga';
import { afterEach, expect, test } from 'vitest';
import { concertMigrations } from '../../services/concert/src/main.ts';
import { partnerMigrations } from '../../services/partner/src/main.ts';
import { PartnerStore } from '../../services/partner/src/store.ts';
import { paymentMigrations } from '../../services/payment/src/main.ts';
import { userMigrations } from '../../services/user/src/main.ts';
import { UserStore } from '../../services/user/src/store.ts';
import { Both } from './both.fixture.ts';
import { Chance } from './chance.ts';
import { Tables } from './tables/tables.ts';

// The simulator is worth what its models are worth: each is played against the SQL it stands for.
const holdSeconds = 40;
const settings = { ...commandSettings, 'tutti.hold_seconds': holdSeconds };
const seeds = [1, 2, 3, 4];
const batches = 120;
const day = 86_400_000;

let opened: Both | undefined;
afterEach(() => opened?.close());

async function open(
  service: keyof Tables['statements'],
  sets: Parameters<typeof Both.open>[0],
): Promise<{ both: Both; tables: Tables }> {
  let tables: Tables | undefined;
  const both = await Both.open(sets, settings, (now) => {
    tables = new Tables(now, holdSeconds);
    return tables.statements[service];
  });
  opened = both;
  if (!tables) throw new Error('There are no tables.');
  return { both, tables };
}

type About = Pick<CommandMessage, 'type' | 'saga' | 'step' | 'direction' | 'body'>;
const command = (about: About): CommandMessage => ({ ...about, replyTo: 'test', traceId: 'test' });

/** A batch as a participant hands it over: each (saga, step) once; some of it was asked before, or is being settled. */
function batchOf(chance: Chance, asked: CommandMessage[], fresh: () => CommandMessage): CommandMessage[] {
  const batch = new Map<string, CommandMessage>();
  for (let left = chance.whole(1, 9); left > 0; left--) {
    let one = asked.length > 0 && chance.happens(0.15) ? chance.pick(asked) : fresh();
    if (chance.happens(0.07) && one.direction === 'do') one = { ...one, direction: 'settle', body: {} };
    const key = `${one.saga}/${one.step}`;
    if (!batch.has(key)) batch.set(key, one);
  }
  asked.push(...batch.values());
  return [...batch.values()];
}

const sorted = (rows: readonly object[]): object[] =>
  rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

async function expectSame(both: Both, sql: string, modelled: readonly object[]): Promise<void> {
  expect(sorted(modelled.map((row) => ({ ...row })))).toEqual(sorted(await both.database.query(sql)));
}

const expectSameJournal = (both: Both, tables: Tables, service: keyof Tables['journals']): Promise<void> =>
  expectSame(both, 'select saga, step, direction, outcome from journal', [
    ...tables.journals[service].rows.values(),
  ]);

const ms = (column: string): string => `(extract(epoch from ${column}) * 1000)::bigint`;

test.each(seeds)('the hall decides as its SQL does (%i)', async (seed) => {
  const chance = new Chance(seed);
  const { both, tables } = await open('concert', concertMigrations);
  await openShows(both, tables);
  const fans = Array.from({ length: 4 }, () => chance.id());
  const made = [chance.id()];
  const paying: { saga: string; reservationId: string }[] = [];
  const asked: CommandMessage[] = [];
  const reserve = (): CommandMessage => {
    const performanceId = chance.happens(0.9)
      ? chance.pick(['a', 'b'])
      : chance.pick(['none', 'later', 'closed']);
    const seatIds = chance.some(['S-1', 'S-2', 'S-3', 'S-4', 'S-5', 'S-6', 'S-7', 'S-8'], chance.whole(1, 3));
    const saga = chance.id();
    made.push(saga);
    const body = { performanceId, seatIds, userId: chance.pick(fans) };
    return command({ type: concert.reserveSeats.name, saga, step: 'seats', direction: 'do', body });
  };
  const ofReservation = (): { saga: string; reservationId: string; userId: string } => {
    const reservationId = chance.pick(made.slice(-12));
    const owner = tables.hall.reservations.get(reservationId)?.userId;
    const userId = owner !== undefined && chance.happens(0.8) ? owner : chance.pick(fans);
    return { saga: chance.id(), reservationId, userId };
  };
  const markPaid = (): CommandMessage => {
    const { saga, ...body } = ofReservation();
    paying.push({ saga, reservationId: body.reservationId });
    return command({ type: concert.markPaid.name, saga, step: 'seats', direction: 'do', body });
  };
  const goOn = (): CommandMessage => {
    const { saga, reservationId } =
      paying.length > 0 && chance.happens(0.9) ? chance.pick(paying.slice(-6)) : ofReservation();
    const body = { reservationId };
    return chance.happens(0.5)
      ? command({ type: concert.markReserved.name, saga, step: 'seats', direction: 'undo', body })
      : command({ type: concert.confirmPaid.name, saga, step: 'confirmation', direction: 'do', body });
  };
  const cancel = (): CommandMessage => {
    const { saga, ...body } = ofReservation();
    return command({ type: concert.cancel.name, saga, step: 'cancel', direction: 'do', body });
  };
  const kinds = [reserve, reserve, reserve, markPaid, markPaid, markPaid, goOn, goOn, cancel];
  const leases = ['one', 'two'].map(
    (owner) => new Lease({ database: both, name: 'expire-holds', owner, seconds: 5 }),
  );
  for (let batch = 0; batch < batches; batch++) {
    await callHandle(
      both,
      batchOf(chance, asked, () => chance.pick(kinds)()),
    );
    both.now += chance.pick([0, 0, 5, 1_000, 20_000]);
    if (!chance.happens(0.3)) continue;
    const fence = (await chance.pick(leases).take()) ?? 0;
    await both.query('select expire_holds($1, $2) as ended', [chance.happens(0.9) ? fence : fence + 1, 500]);
    if (chance.happens(0.2)) await chance.pick(leases).release();
  }
  await expectSame(
    both,
    `select id, performance_id as "performanceId", user_id as "userId", status, seat_ids as "seatIds", seats, amount,
            ${ms('expires_at')} as "expiresAt", extended, paying_saga as "payingSaga", version from reservation`,
    [...tables.hall.reservations.values()],
  );
  await expectSame(
    both,
    `select performance_id as "performanceId", id as "seatId", index, label, price, status,
            reservation_id as "reservationId" from seat`,
    [...tables.hall.seats.values()],
  );
  await expectSame(
    both,
    'select id, sequence from performance',
    [...tables.hall.performances.values()].map(({ id, sequence }) => ({ id, sequence })),
  );
  await expectSameJournal(both, tables, 'concert');
});

async function openShows(both: Both, { hall }: Tables): Promise<void> {
  const open = { onSaleAt: both.now - day, startsAt: both.now + 400_000, saleState: 'open' } as const;
  const shows = [
    { ...open, id: 'a' },
    { ...open, id: 'b', startsAt: both.now + 30 * day },
    { ...open, id: 'later', onSaleAt: both.now + day },
    { ...open, id: 'closed', saleState: 'closed' as const },
  ];
  await both.database.query(`insert into venue (id, name) values ('room', 'Room')`);
  for (const show of shows) {
    const { id, onSaleAt, startsAt, saleState } = show;
    hall.show(show, 7);
    await both.database.query(
      `insert into concert (id, venue_id, title, artist, translations, on_sale_at, sale_state)
       values ($1, 'room', 'Show', 'Band', '{}', $2, $3)`,
      [id, new Date(onSaleAt), saleState],
    );
    await both.database.query(
      `insert into performance (id, concert_id, starts_at, seats_total, price_min, price_max, seat_map)
       values ($1, $1, $2, 7, 1000, 1600, '{}')`,
      [id, new Date(startsAt)],
    );
    await both.database.query(
      `insert into seat (performance_id, id, index, label, price)
       select $1, 'S-' || n, n - 1, 'Seat ' || n, 900 + 100 * n from generate_series(1, 7) n`,
      [id],
    );
  }
}

/** Two payments of one reservation at the same moment would have no order; a cancelled one is never paid again anyway. */
const onePaymentEach = (batch: readonly CommandMessage[]): CommandMessage[] => [
  ...new Map(
    batch.map((one) => [one.type === payment.deductPoints.name ? JSON.stringify(one.body) : one.saga, one]),
  ).values(),
];

test.each(seeds)('the bank decides as its SQL does (%i)', async (seed) => {
  const chance = new Chance(seed);
  const { both, tables } = await open('payment', paymentMigrations);
  const fans = Array.from({ length: 3 }, () => chance.id());
  const reservations = Array.from({ length: 25 }, () => ({ id: chance.id(), userId: chance.pick(fans) }));
  const asked: CommandMessage[] = [];
  const fresh = (): CommandMessage => {
    const [saga, direction] = [chance.id(), 'do' as const];
    const { id: reservationId, userId } = chance.pick(reservations);
    const amount = chance.pick([0, 100, 700, 2_500, 600_000_000]);
    return chance.pick([
      command({
        saga,
        direction,
        step: 'charge',
        type: payment.chargePoints.name,
        body: { userId, amount: amount + 1 },
      }),
      command({
        saga,
        direction,
        step: 'points',
        type: payment.deductPoints.name,
        body: { userId, amount, reservationId },
      }),
      command({
        saga,
        direction,
        step: 'points',
        type: payment.returnPoints.name,
        body: { userId, reservationId },
      }),
    ]);
  };
  for (let batch = 0; batch < batches; batch++) {
    await callHandle(both, onePaymentEach(batchOf(chance, asked, fresh))).catch((error: unknown) => {
      // The backstop refused the batch on both sides; a participant would take it apart.
      if (!(error instanceof Error && error.message.includes('no row'))) throw error;
    });
    both.now += chance.whole(1, 1_000);
  }
  await expectSame(
    both,
    'select user_id as "userId", balance from wallet',
    [...tables.bank.wallets].map(([userId, balance]) => ({ userId, balance })),
  );
  await expectSame(
    both,
    `select id, user_id as "userId", type, amount, balance_after as "balanceAfter", position,
            reservation_id as "reservationId" from entry`,
    tables.bank.entries,
  );
  await expectSame(
    both,
    `select id, reservation_id as "reservationId", user_id as "userId", amount, ${ms('at')} as at,
            ${ms('returned_at')} as "returnedAt" from payment`,
    tables.bank.payments,
  );
  await expectSameJournal(both, tables, 'payment');
});

test.each(seeds)("the partner's desk keeps what its SQL keeps (%i)", async (seed) => {
  const chance = new Chance(seed);
  const { both, tables } = await open('partner', partnerMigrations);
  const store = new PartnerStore(both);
  const reservations = Array.from({ length: 20 }, () => chance.id());
  const asked: CommandMessage[] = [];
  const fresh = (): CommandMessage => {
    const type = chance.pick(['reservation.paid', 'reservation.cancelled']);
    const body = { type, reservationId: chance.pick(reservations), version: chance.whole(1, 3), amount: 5 };
    return command({
      saga: chance.id(),
      direction: 'do',
      step: 'delivery',
      type: partner.deliver.name,
      body,
    });
  };
  for (let batch = 0; batch < batches; batch++) {
    if (chance.happens(0.4)) await callHandle(both, batchOf(chance, asked, fresh));
    both.now += chance.pick([1, 1_000, 31_000, 3_600_000]);
    const some = chance.some(asked, 3).map(({ saga }) => saga);
    const due = [...(await store.untried(some)), ...(await store.claim(500, 30))];
    const [delivered, failed] = [due.filter((_, at) => at % 3 === 0), due.filter((_, at) => at % 3 !== 0)];
    await store.markDelivered(delivered.map(({ id }) => id));
    const failures = new Map(failed.map(({ id }) => [id, { id, error: 'HTTP status 500', delayMs: 2_000 }]));
    await store.putOff([...failures.values()], 24);
  }
  await expectSame(
    both,
    `select id, reservation_id as "reservationId", version, body::json ->> 'type' as type, ${ms('created_at')} as "createdAt",
            attempts, ${ms('next_attempt_at')} as "nextAttemptAt", last_error as "lastError",
            ${ms('delivered_at')} as "deliveredAt", ${ms('set_aside_at')} as "setAsideAt" from delivery`,
    [...tables.desk.deliveries.values()].map(({ body: _, ...row }) => row),
  );
  await expectSameJournal(both, tables, 'partner');
});

test.each(seeds)('the saga table gives and refuses as its SQL does (%i)', async (seed) => {
  const chance = new Chance(seed);
  const { both, tables } = await open('orchestrator', [sagaMigrations]);
  const store = new SagaStore(both);
  const owners = ['one', 'two', 'three'];
  const definitions = [
    { name: 'trip', version: 1 },
    { name: 'jump', version: 2 },
  ];
  const start = () => {
    const about = {
      route: 'POST /trips',
      key: String(chance.whole(1, 60)),
      fingerprint: String(chance.whole(1, 2)),
    };
    const definition = chance.pick([...definitions, { name: 'jump', version: 3 }]);
    const unread = { sentAt: 0, notAfter: 0, replyTo: 'test', tellStored: false };
    const input = { who: 'Mina', z: 1, a: 2 };
    const [id, deadlineMs] = [chance.id(), chance.pick([1_000, 30_000])];
    return {
      ...about,
      ...definition,
      ...unread,
      id,
      fan: chance.pick(['Mina', 'Jun']),
      traceId: 't',
      input,
      deadlineMs,
    };
  };
  const write = (): RowWrite => {
    const { id, epoch } = chance.pick([...tables.sagas.rows.values()]);
    const known = chance.happens(0.8) ? epoch : epoch + chance.pick([-1, 1]);
    const ending = chance.pick(['compensating', 'succeeded', 'failed'] as const);
    const [answerStatus, answer] = ending === 'compensating' ? [null, null] : [201, '{"z":1,"a":2}'];
    const reason = ending === 'succeeded' ? null : { code: 'late', data: { z: 1, a: [2] } };
    return { id, epoch: known, status: ending, reason, answerStatus, answer, steps: null };
  };
  for (let step = 0; step < 2 * batches; step++) {
    const owner = chance.pick(owners);
    both.now += chance.pick([0, 1, 900, 4_000]);
    if (chance.happens(0.5)) await store.renewLease(owner, 5);
    if (chance.happens(0.1)) await store.endLease(chance.pick(owners));
    if (chance.happens(0.5)) await store.start(Array.from({ length: chance.whole(1, 5) }, start), owner);
    if (chance.happens(0.6) && tables.sagas.rows.size > 0) {
      const writes = Array.from({ length: chance.whole(1, 4) }, write);
      await store.write([...new Map(writes.map((one) => [one.id, one])).values()], owner);
    }
    if (!chance.happens(0.4)) continue;
    const known = chance.happens(0.5) ? chance.some([...tables.sagas.rows.keys()], 20) : null;
    await store.takeOver(owner, definitions, chance.pick(['orphaned', 'all']), chance.pick([2, 500]), known);
  }
  await expectSame(
    both,
    `select id, name, version, fan, route, key, fingerprint, input, trace_id as "traceId", status, reason, owner, epoch,
            ${ms('deadline_at')} as "deadlineAt", ${ms('ended_at')} as "endedAt", answer_status as "answerStatus", answer
     from saga`,
    [...tables.sagas.rows.values()],
  );
  const leases = [...tables.sagas.leases].map(([id, until]) => ({ id, until }));
  await expectSame(both, `select id, ${ms('lease_until')} as until from driver`, leases);
});

test('an account is there until it is deleted, in the model as in SQL', async () => {
  const chance = new Chance(1);
  const { both, tables } = await open('user', userMigrations);
  const store = new UserStore(both);
  const [kept, gone, never] = [chance.id(), chance.id(), chance.id()];
  for (const userId of [kept, gone]) {
    await both.database.query(
      `insert into account (id, name, email, password_hash) values ($1, 'Mina', $2, 'x')`,
      [userId, `${userId}@fans.example`],
    );
    tables.accounts.add(userId);
  }
  expect([...(await store.existing([kept, gone, never]))].toSorted()).toEqual([kept, gone]);
  await new UserStore(both.database).eraseAccount(gone);
  tables.accounts.delete(gone);
  expect([...(await store.existing([kept, gone, never]))]).toEqual([kept]);
});
