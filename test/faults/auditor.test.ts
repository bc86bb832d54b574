import { callHandle } from '@tutti/kit/participant';
import type { Database } from '@tutti/kit/postgres';
import { uuidv7 } from '@tutti/kit/service';
import { gate, until } from '@tutti/kit/testing';
import type { DatabaseName } from '@tutti/standalone/system';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Fan } from '../support/client.ts';
import { openHouse, type House } from '../support/house.ts';
import { expectRed, Memory } from './auditor.fixture.ts';

// Bugs in the code: the system runs with them, does the damage itself, and the auditor finds it.

let house: House;
beforeAll(async () => {
  house = await openHouse({ LOG_LEVEL: 'silent' });
});
afterAll(() => house.stop());

/** How to take out what was planted, last first. */
let mends: (() => Promise<unknown>)[] = [];

const only = async (database: Database, sql: string, ...values: string[]): Promise<string> => {
  const [row] = await database.query<{ text: string }>(`select ${sql} as text`, values);
  return row?.text ?? '';
};

/** Puts a bug in the place of every such passage of an SQL function. */
async function breakFunction(database: Database, name: string, right: string, wrong: string): Promise<void> {
  const source = await only(database, 'pg_get_functiondef($1::regproc)', name);
  if (!source.includes(right))
    throw new Error(`${name} does not say "${right}" any more: plant this bug anew.`);
  await database.query(source.replaceAll(right, wrong));
  mends.push(() => database.query(source));
}

async function dropConstraint(database: Database, table: string, name: string): Promise<void> {
  const sql = '(select pg_get_constraintdef(oid) from pg_constraint where conname = $1)';
  const source = await only(database, sql, name);
  await database.query(`alter table ${table} drop constraint ${name}`);
  mends.push(() => database.query(`alter table ${table} add constraint ${name} ${source}`));
}

async function dropIndex(database: Database, name: string): Promise<void> {
  const source = await only(database, 'pg_get_indexdef($1::regclass)', name);
  await database.query(`drop index ${name}`);
  mends.push(() => database.query(source));
}

const tables: Readonly<Partial<Record<DatabaseName, string>>> = {
  orchestrator: 'saga',
  concert: 'reservation, seat, performance, admission, sale_act, concert, venue, journal',
  payment: 'payment, entry, wallet, journal',
  partner: 'delivery, stub_receipt, journal',
};

/** Empties the house, then mends it: what was damaged may not fit what forbids such damage. */
async function restore(): Promise<void> {
  for (const name of ['orchestrator', 'concert', 'payment', 'partner'] as const)
    await house.databases[name].transaction(async (tx) => {
      // Entries are guarded, also against this.
      await tx.query('set local session_replication_role = replica');
      await tx.query(`truncate ${tables[name]}`);
    });
  for (const mend of mends.toReversed()) await mend();
  mends = [];
}

type Scene = House['databases'] & { memory: Memory };
type Bug = {
  bug: string;
  red: number[];
  plant: (scene: Scene) => Promise<unknown>;
  live: (scene: Scene) => Promise<unknown>;
};

const reserveOne = async ({ memory }: Scene, points: number, price = 100): Promise<[Fan, string, string]> => {
  const show = await house.performance(12, price);
  const fan = await house.fan(points);
  return [fan, await memory.reserve(fan, show, ['S-1', 'S-2']), show];
};
const payOne = async (scene: Scene): Promise<[Fan, string]> => {
  const [fan, reservationId] = await reserveOne(scene, 1_000);
  await scene.memory.pay(fan, reservationId);
  return [fan, reservationId];
};
const statusIs = ({ concert }: Scene, reservationId: string, status: string) =>
  until(`the reservation is ${status}`, async () => {
    const rows = await concert.query('select 1 from reservation where id = $1 and status = $2', [
      reservationId,
      status,
    ]);
    return rows.length === 1;
  });

const bugs: Bug[] = [
  {
    bug: 'a taken seat is given to whoever asks',
    plant: ({ concert }) =>
      breakFunction(concert, 'reserve_seats', 'when l.unavailable is not null', 'when false'),
    live: async (scene) => {
      const [, , show] = await reserveOne(scene, 0);
      await scene.memory.reserve(await house.fan(), show, ['S-2']);
    },
    red: [1],
  },
  {
    bug: 'seats are looked at without their locks, two batches at once (rule 8)',
    plant: ({ concert }) => breakFunction(concert, 'lock_rows', 'for update) t on true', ') t on true'),
    live: async ({ concert }) => {
      const performanceId = await house.performance(1);
      const commands = (await house.fans(2)).map(({ userId }) => ({
        type: 'concert.reserve-seats',
        saga: uuidv7(),
        step: 'seats',
        direction: 'do' as const,
        body: { userId, performanceId, seatIds: ['S-1'] },
        replyTo: '',
        traceId: '',
      }));
      const [first, second] = commands.map((command) => [command]);
      const here = await only(concert, 'current_database()');
      let late: Promise<unknown> = Promise.resolve();
      await concert.transaction(async (tx) => {
        await tx.query(`set local tutti.hold_seconds = 300`);
        await callHandle(tx, first ?? []);
        late = concert.transaction(async (other) => {
          await other.query(`set local tutti.hold_seconds = 300`);
          await callHandle(other, second ?? []);
        });
        await until('the second waits to write', async () => {
          // Asked elsewhere: both connections to this database are taken.
          const waiting = await house.databases.user.query(
            `select 1 from pg_stat_activity where datname = $1 and wait_event_type = 'Lock'`,
            [here],
          );
          return waiting.length > 0;
        });
      });
      await late;
    },
    // These two were not asked for by any saga either.
    red: [1, 7],
  },
  {
    bug: 'a paid reservation may be paid again, and no index refuses the second payment',
    plant: async ({ concert, payment }) => {
      await breakFunction(concert, 'mark_paid', `when l.status = 'paid'`, 'when false');
      await dropIndex(payment, 'payment_of_reservation');
    },
    live: async (scene) => scene.memory.pay(...(await payOne(scene))),
    red: [4],
  },
  {
    bug: 'the price is that of the day of the payment',
    plant: ({ concert }) =>
      breakFunction(
        concert,
        'mark_paid',
        `'amount', j.amount`,
        `'amount', (select sum(t.price) from seat t where t.reservation_id = j.id)`,
      ),
    live: async (scene) => {
      const [fan, reservationId] = await reserveOne(scene, 1_000);
      await scene.concert.query('update seat set price = price + 50 where reservation_id = $1', [
        reservationId,
      ]);
      await scene.memory.pay(fan, reservationId);
    },
    red: [4, 10],
  },
  {
    bug: 'the price of one seat is believed to be that of all',
    plant: ({ concert }) =>
      breakFunction(concert, 'reserve_seats', 'sum(t.price)::int as amount', 'min(t.price) as amount'),
    live: payOne,
    red: [2, 4],
  },
  {
    bug: 'the limit of seats per fan is not looked at',
    plant: ({ concert }) =>
      breakFunction(concert, 'reserve_seats', 'l.held + cardinality(l.seat_ids) > seat_limit', 'false'),
    live: async (scene) => {
      const [fan, , show] = await reserveOne(scene, 0);
      await scene.memory.reserve(fan, show, ['S-3', 'S-4', 'S-5', 'S-6', 'S-7']);
    },
    red: [2],
  },
  {
    bug: 'confirming a payment forgets the seats',
    plant: ({ concert }) =>
      breakFunction(concert, 'confirm_paid', `set status = 'paid'\n`, `set status = t.status\n`),
    live: payOne,
    red: [2],
  },
  {
    bug: 'undos say done and do nothing',
    plant: ({ concert }) => breakFunction(concert, 'mark_reserved', 'r.paying_saga = c.saga', 'false'),
    live: async (scene) => {
      const [fan, reservationId] = await reserveOne(scene, 1);
      expect((await scene.memory.pay(fan, reservationId)).status).toBe(402);
    },
    red: [7],
  },
  {
    bug: 'undos are not journaled',
    plant: ({ concert }) =>
      breakFunction(
        concert,
        'handle',
        'outcomes o where o.is_new',
        `outcomes o where o.direction <> 'undo' and o.is_new`,
      ),
    live: async (scene) => {
      const [fan, reservationId] = await reserveOne(scene, 1);
      expect((await scene.memory.pay(fan, reservationId)).status).toBe(402);
    },
    red: [7, 8],
  },
  {
    bug: 'effects are not journaled',
    plant: ({ payment }) =>
      breakFunction(
        payment,
        'handle',
        'outcomes o where o.is_new',
        `outcomes o where o.direction = 'undo' and o.is_new`,
      ),
    live: () => house.fan(100),
    red: [7],
  },
  {
    bug: 'the expirer does not look at the clock',
    plant: ({ concert }) =>
      breakFunction(concert, 'expire_holds', 'r.expires_at <= clock_timestamp()', 'true'),
    live: async (scene) => {
      const [, reservationId, show] = await reserveOne(scene, 0);
      await statusIs(scene, reservationId, 'expired');
      const taken = await scene.memory.reserve(await house.fan(), show, ['S-1']);
      await statusIs(scene, taken, 'expired');
      // As time would: that it ended early shows only in who came next.
      const sql = 'update reservation set expires_at = clock_timestamp() where id = $1';
      await scene.concert.query(sql, [reservationId]);
    },
    red: [3],
  },
  {
    bug: 'the expirer ends a hold that is being paid',
    plant: async ({ concert }) => {
      await dropConstraint(concert, 'reservation', 'reservation_check');
      await breakFunction(
        concert,
        'expire_holds',
        `r.status = 'reserved'`,
        `r.status in ('reserved', 'paying')`,
      );
      await breakFunction(
        concert,
        'expire_holds',
        `set status = 'expired',`,
        `set status = 'expired', paying_saga = null,`,
      );
    },
    live: async (scene) => {
      const [fan, reservationId] = await reserveOne(scene, 1_000);
      const hold = gate();
      let paying: Promise<unknown> = Promise.resolve();
      await scene.payment.transaction(async (tx) => {
        await tx.query('select 1 from wallet where user_id = $1 for update', [fan.userId]);
        paying = scene.memory.pay(fan, reservationId).then(hold.open);
        await statusIs(scene, reservationId, 'paying');
        await scene.concert.query('update reservation set expires_at = now() where id = $1', [reservationId]);
        await statusIs(scene, reservationId, 'expired');
      });
      await paying;
    },
    // The partner was told that it is paid.
    red: [4, 10],
  },
  {
    bug: 'a wallet can be overdrawn',
    plant: async ({ payment }) => {
      await dropConstraint(payment, 'wallet', 'wallet_balance_check');
      await dropConstraint(payment, 'entry', 'entry_balance_after_check');
      await breakFunction(payment, 'decide', 'w.balance < a.amount', 'false');
    },
    live: async (scene) => {
      const [fan, reservationId] = await reserveOne(scene, 1);
      await scene.memory.pay(fan, reservationId);
    },
    red: [5],
  },
  {
    bug: 'points are taken without an entry',
    plant: ({ payment }) => breakFunction(payment, 'decide', 'where g.delta <> 0', 'where g.delta > 0'),
    live: payOne,
    red: [5, 6],
  },
  {
    bug: 'points come back as often as one cancels',
    plant: ({ payment }) =>
      breakFunction(
        payment,
        'decide',
        'case when p.returned_at is null then coalesce(p.amount, 0) else 0 end',
        'coalesce(p.amount, 0)',
      ),
    live: async (scene) => {
      const [fan, reservationId] = await payOne(scene);
      for (const key of ['once', 'twice']) await scene.memory.cancel(fan, reservationId, key);
    },
    red: [6],
  },
  {
    bug: 'the partner service says it has a delivery and keeps none',
    plant: ({ partner }) =>
      breakFunction(partner, 'decide', 'where not exists (', 'where false and not exists ('),
    live: payOne,
    red: [10],
  },
  {
    bug: 'the receiver says it has what it then forgets',
    plant: async ({ partner }) => {
      await partner.query(
        `create function forget() returns trigger language plpgsql as 'begin return null; end'`,
      );
      await partner.query(
        'create trigger forget before insert on stub_receipt for each row execute function forget()',
      );
      mends.push(() => partner.query('drop function forget() cascade'));
    },
    live: payOne,
    red: [10],
  },
  {
    bug: 'a key is not unique, so a repeated request is a new one',
    plant: async ({ orchestrator }) => {
      await dropConstraint(orchestrator, 'saga', 'saga_fan_route_key_key');
      await breakFunction(orchestrator, 'start_sagas', 'on conflict (fan, route, key) do nothing', '');
    },
    live: async ({ memory }) => {
      const fan = await house.fan();
      const first = await memory.charge(fan, 100, 'again');
      // As long as the first is in the orchestrator's memory it is still told apart.
      await until(
        'the repetition is another',
        async () => (await memory.charge(fan, 100, 'again')).text !== first.text,
      );
    },
    red: [7, 9],
  },
];

test.each(bugs)('$bug: $red', async ({ plant, live, red }) => {
  const scene = { ...house.databases, memory: new Memory() };
  try {
    await plant(scene);
    await live(scene);
    await expectRed(house, red, { history: scene.memory.history });
  } finally {
    await restore();
  }
});

test('without them nothing is wrong', async () => {
  const scene = { ...house.databases, memory: new Memory() };
  await payOne(scene);
  await expectRed(house, [], { history: scene.memory.history });
});
