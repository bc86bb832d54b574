import type { Queryable } from '@tutti/kit/postgres';
import { until } from '@tutti/kit/testing';
import type { DatabaseName } from '@tutti/standalone/system';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { audit } from '../../standalone/src/audit/audit.ts';
import { openHouse, type House } from '../support/house.ts';
import { business, expectRed, Memory, type Extra } from './auditor.fixture.ts';

// Damage that no code of ours does: rows that an operator, a disk or a restore from the wrong day would leave.

let house: House;
const memory = new Memory();
beforeAll(async () => {
  house = await openHouse();
  await business(house, memory);
  // Of what was never taken there is no row that could say that another has it.
  await until(
    'somebody ends holds',
    async () => (await house.databases.concert.query('select 1 from lease')).length > 0,
  );
});
afterAll(() => house.stop());

test('all is well after a bit of everything', async () => {
  await expectRed(house, [], { history: memory.history });
  const report = await audit({ databases: house.databases, history: memory.history });
  expect(report).toMatchObject({ ok: true, drained: true, openSagas: 0, dueDeliveries: 0 });
  expect(report.results.map(({ number }) => number)).toEqual([
    1, 2, 3, 4, 5, 6, 7, 7, 8, 8, 9, 10, 11, 13, 14, 14,
  ]);
  const skipped = report.results.filter(({ status }) => status === 'skipped');
  expect(skipped).toMatchObject([{ number: 14, kind: 'A', reason: 'not checked: no log file was found' }]);
});

test('the guard of the ledger is off: 5', async () => {
  const { payment } = house.databases;
  await payment.query('alter table entry disable trigger entry_is_append_only');
  await expectRed(house, [5]);
  await payment.query('alter table entry enable trigger entry_is_append_only');
});

test('what the partner does not take is in order when it shows', async () => {
  await damaged('partner', ['delivery'], [], async (partner) => {
    await partner.query(
      `update delivery set delivered_at = null, last_error = 'HTTP status 500', set_aside_at = now()`,
    );
  });
});

/** Copies the tables, does the damage, audits, and puts the copies back. */
async function damaged(
  name: DatabaseName,
  tables: string[],
  red: number[],
  damage: (tx: Queryable) => Promise<unknown>,
  extra: Extra = { history: memory.history },
): Promise<string> {
  const unguarded = (work: (tx: Queryable) => Promise<unknown>) =>
    house.databases[name].transaction(async (tx) => {
      await tx.query('set local session_replication_role = replica');
      await work(tx);
    });
  await unguarded(async (tx) => {
    for (const table of tables) await tx.query(`create table kept_${table} as table ${table}`);
    await damage(tx);
  });
  try {
    return await expectRed(house, red, extra);
  } finally {
    await unguarded(async (tx) => {
      for (const table of tables) {
        await tx.query(`delete from ${table}`);
        await tx.query(`insert into ${table} table kept_${table}`);
        await tx.query(`drop table kept_${table}`);
      }
    });
  }
}

const oneHeld = `(select id from reservation where status = 'reserved' limit 1)`;
const onePaid = `(select id from reservation where status = 'paid' limit 1)`;
const oneCharge = `(select id from entry where type = 'charge' order by amount desc limit 1)`;
const sleeper = `update lease set owner = 'one that sleeps', fence = fence + 1, until = now() + interval '1 hour'`;
type Damage = {
  damage: string;
  in: DatabaseName;
  tables: string[];
  red: number[];
  /** What the auditor has to say beside the numbers, where others would be red for the same one. */
  says?: string;
  sql: string[];
};
const damages: Damage[] = [
  {
    damage: 'a performance counts one seat too many',
    in: 'concert',
    tables: ['performance'],
    sql: ['update performance set seats_total = seats_total + 1'],
    red: [1],
  },
  {
    damage: 'a seat is free while its reservation lives',
    in: 'concert',
    tables: ['seat'],
    sql: [`update seat set status = 'available', reservation_id = null where reservation_id = ${oneHeld}`],
    red: [1],
  },
  {
    damage: 'a cancelled reservation kept a seat',
    in: 'concert',
    tables: ['seat'],
    sql: [
      `update seat s set status = 'reserved', reservation_id = r.id from reservation r
       where r.status = 'cancelled' and s.id = any (r.seat_ids)`,
    ],
    red: [2],
  },
  {
    damage: 'a client’s price was written into a reservation',
    in: 'concert',
    tables: ['reservation'],
    sql: [`update reservation set amount = 1 where id = ${oneHeld}`],
    red: [2, 4],
  },
  {
    damage: 'nobody ends holds',
    in: 'concert',
    tables: ['reservation', 'lease'],
    sql: [
      sleeper,
      `update reservation set expires_at = now() - interval '6 seconds' where status = 'reserved'`,
    ],
    red: [3],
  },
  {
    damage: 'a reservation is shown as paid',
    in: 'concert',
    tables: ['reservation', 'seat'],
    sql: [
      `update seat set status = 'paid' where reservation_id = ${oneHeld}`,
      `update reservation set status = 'paid' where id = ${oneHeld}`,
    ],
    red: [4, 10],
  },
  {
    damage: 'a balance is one off',
    in: 'payment',
    tables: ['wallet'],
    sql: ['update wallet set balance = balance + 1 where user_id = (select user_id from wallet limit 1)'],
    red: [5, 6],
  },
  {
    damage: 'an entry was changed behind its guard',
    in: 'payment',
    tables: ['entry'],
    sql: [`update entry set amount = amount + 1 where id = ${oneCharge}`],
    red: [5, 6, 7],
  },
  {
    damage: 'a charge and all that followed from it were changed so that the ledger still adds up',
    in: 'payment',
    tables: ['entry', 'wallet'],
    sql: [
      `update wallet set balance = balance + 1 where user_id = (select user_id from entry where id = ${oneCharge})`,
      `update entry set balance_after = balance_after + 1, amount = amount + case id when ${oneCharge} then 1 else 0 end
       where user_id = (select user_id from entry where id = ${oneCharge})`,
    ],
    red: [7],
  },
  {
    damage: 'a journal row is gone',
    in: 'payment',
    tables: ['journal'],
    sql: [`delete from journal where saga = ${oneCharge}`],
    red: [7],
  },
  {
    damage: 'a saga ended without an answer',
    in: 'orchestrator',
    tables: ['saga'],
    sql: [`update saga set answer = null where status = 'failed' and name = 'pay-reservation'`],
    red: [7],
  },
  {
    damage: 'a saga that had failed counts as done',
    in: 'orchestrator',
    tables: ['saga'],
    sql: [`update saga set status = 'succeeded' where reason ->> 'code' = 'insufficient_points'`],
    red: [7, 8],
  },
  {
    damage: 'a saga is open past its deadline',
    in: 'orchestrator',
    tables: ['saga'],
    sql: [
      `update saga set status = 'running', ended_at = null, deadline_at = now() - interval '11 seconds'
       where id = (select id from saga where name = 'charge-points' limit 1)`,
    ],
    red: [8],
  },
  {
    damage: 'a delivery is gone',
    in: 'partner',
    tables: ['delivery'],
    sql: ['delete from delivery where id = (select id from delivery limit 1)'],
    red: [10],
  },
  {
    damage: 'a delivery was marked as delivered and never received',
    in: 'partner',
    tables: ['stub_receipt'],
    sql: ['delete from stub_receipt where id = (select id from stub_receipt limit 1)'],
    red: [10],
  },
  {
    damage: 'an answered reservation was lost with the last second before a crash',
    in: 'concert',
    tables: ['reservation', 'seat', 'journal'],
    sql: [
      `delete from journal where saga = ${onePaid}`,
      `update seat set status = 'available', reservation_id = null where reservation_id = ${onePaid}`,
      `delete from reservation where id = ${onePaid}`,
    ],
    // Its payment is for nothing now, and so is what the partner was told.
    red: [4, 7, 10, 13],
  },
  {
    damage: 'a seat names a reservation of other seats',
    in: 'concert',
    tables: ['seat'],
    sql: [`update seat set status = 'reserved', reservation_id = ${oneHeld} where id = 'S-12'`],
    says: 'A seat names a reservation that does not have it',
    red: [2],
  },
  {
    damage: 'a withdrawn reservation counts as expired',
    in: 'concert',
    tables: ['reservation'],
    sql: [
      `update reservation set status = 'expired', expires_at = now() - interval '1 minute'
       where status = 'cancelled' and seat_ids = '{S-3}'`,
    ],
    says: 'A payment was returned for a reservation that was not cancelled',
    red: [4, 7, 10, 13],
  },
  {
    damage: 'a hold was cancelled by nobody',
    in: 'concert',
    tables: ['reservation', 'seat'],
    sql: [
      `update seat set status = 'available', reservation_id = null where reservation_id = ${oneHeld}`,
      `update reservation set status = 'cancelled' where id = ${oneHeld}`,
    ],
    says: 'A reservation was cancelled by no saga',
    red: [7, 10],
  },
  {
    damage: 'an undo was refused',
    in: 'concert',
    tables: ['journal'],
    sql: [`update journal set ok = false where direction = 'undo'`],
    says: 'The concert service refused an undo',
    red: [7, 8],
  },
  {
    damage: 'another fan paid',
    in: 'payment',
    tables: ['payment'],
    sql: [
      `update payment p set user_id = (select user_id from wallet w where w.user_id <> p.user_id limit 1)`,
    ],
    says: 'A paid reservation does not have one payment, by its fan, of the price frozen at the hold',
    red: [4, 6, 7],
  },
  {
    damage: 'a withdrawn reservation was paid twice',
    in: 'payment',
    tables: ['payment'],
    sql: [
      `insert into payment select gen_random_uuid(), reservation_id, user_id, amount, at, returned_at
       from payment where returned_at is not null`,
    ],
    says: 'A reservation was paid more than once',
    red: [4, 6, 7, 10],
  },
  {
    damage: 'a wallet is gone',
    in: 'payment',
    tables: ['wallet'],
    sql: ['delete from wallet where balance = 600'],
    says: 'An entry belongs to no wallet',
    red: [5, 6],
  },
  {
    damage: 'a payment is booked as a charge',
    in: 'payment',
    tables: ['entry'],
    sql: [`update entry set type = 'charge' where type = 'payment'`],
    says: 'An entry has the wrong sign',
    red: [5, 6, 7],
  },
  {
    damage: 'a saga that had succeeded counts as failed',
    in: 'orchestrator',
    tables: ['saga'],
    sql: [`update saga set status = 'failed', answer_status = 409 where name = 'reserve-seats'`],
    says: 'A reservation belongs to no reserve-seats that succeeded',
    red: [7],
  },
  {
    damage: 'a saga is gone',
    in: 'orchestrator',
    tables: ['saga'],
    sql: [`delete from saga where key = 'charge'`],
    says: 'A client was told an outcome of a request that is not there',
    red: [7],
  },
  {
    damage: 'the partner was told under ids that change',
    in: 'partner',
    tables: ['delivery'],
    sql: ['update delivery set id = gen_random_uuid()'],
    says: 'A delivery tells of a cancellation that did not take place',
    red: [10],
  },
  {
    damage: 'the partner was told of another version',
    in: 'partner',
    tables: ['delivery'],
    sql: ['update delivery set version = version + 10'],
    says: 'A delivery does not tell what became of its reservation',
    red: [10],
  },
];

/** What is late counts only for a server that has been up for as long. */
const upLongEnough = () =>
  until(
    'the server has been up for longer than anything may be late',
    async () => {
      const sql = `select 1 where pg_postmaster_start_time() < now() - interval '11 seconds'`;
      return (await house.databases.user.query(sql)).length === 1;
    },
    15_000,
  );

test.each(damages)('$damage: $red', async ({ in: name, tables, sql, red, says = '' }) => {
  if (tables.includes('lease') || tables.includes('saga')) await upLongEnough();
  const plant = async (tx: Queryable) => {
    for (const one of sql) await tx.query(one);
  };
  // A saga that was made open is driven by nobody, so there is nothing to wait for.
  const extra = { history: memory.history, waitSeconds: tables.includes('saga') ? 0 : 20 };
  expect(await damaged(name, tables, red, plant, extra)).toContain(says);
});

test('and after all of this it is in order again', () => expectRed(house, [], { history: memory.history }));
