import { readMetrics, until } from '@tutti/kit/testing';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askIn, goIn, placeOf, reserveWith, untilDrawn } from '../support/line.ts';
import { replicasOf, type ReplicaProcess } from '../support/replicas.ts';
import { Started } from '../support/started.ts';
import { expectAuditGreen } from '../support/truth.ts';

// Two waiting rooms, one of which owns the lines.
let dataDir: string;
let system: Started;
beforeAll(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'tutti-cluster-'));
  await chmod(dataDir, 0o755);
  system = await Started.in(dataDir, { REPLICAS: '2' }, 'cluster');
  await system.start({}, 120_000);
});
afterAll(async () => {
  await system.killEverything();
  await rm(dataDir, { recursive: true, force: true });
});

const sale = 'rehearsal';
const inside = 4;

async function serving(): Promise<number> {
  const [row] = await system.query<{ serving: number }>('waiting_room', 'select serving from sale');
  return row?.serving ?? -1;
}

async function ownsLines({ healthPort }: ReplicaProcess): Promise<boolean> {
  const page = await fetch(`http://127.0.0.1:${healthPort}/metrics`).then((response) => response.text());
  return readMetrics(page).value('tutti_lease_held{lease="move-lines"}') === 1;
}

test(
  'an owner that is paused past its lease is replaced; when it goes on it moves nothing, and the cap holds throughout',
  { timeout: 180_000 },
  async () => {
    await system.query(
      'concert',
      `update concert set inside = $1, pace = 1000, guarded_since = now(), on_sale_at = now() - interval '1 hour'`,
      [inside],
    );
    await untilDrawn(system, sale);
    const fans = await system.fans(12);
    const seats = await system.query<{ id: string }>(
      'concert',
      'select id from seat order by index limit 12',
    );
    const reserves = async (index: number): Promise<void> => {
      const fan = fans[index];
      if (!fan) throw new Error(`There is no fan ${index}.`);
      const reply = await reserveWith(fan, 'rehearsal-1', [seats[index]?.id ?? ''], await goIn(fan, sale));
      expect(reply.status, reply.text).toBe(201);
    };
    for (const fan of fans) await placeOf(fan, sale);
    await reserves(0);
    for (const fan of fans.slice(1, inside)) await goIn(fan, sale);
    const [leaver, next] = [fans[1], fans[inside]];

    const rooms = replicasOf(system).filter(({ service }) => service === 'waiting-room');
    let owners: ReplicaProcess[] = [];
    const oneOwns = async () => {
      const owning = await Promise.all(rooms.map(ownsLines));
      owners = rooms.filter((_, index) => owning[index]);
      return owners.length === 1;
    };
    await until('one owns the lines', oneOwns);
    const [owner] = owners;
    const other = rooms.find((room) => room !== owner);
    if (!owner || !other) throw new Error('There are no two waiting rooms.');
    const before = await serving();
    process.kill(owner.pid(), 'SIGSTOP');
    try {
      await until('the other owns the lines', () => ownsLines(other), 30_000);
      // By hand: the gateway may ask the one that is paused.
      const left = 'update slot set has_left = true where fan = $1 returning slot';
      expect(await system.query('waiting_room', left, [leaver?.userId])).toHaveLength(1);
      await until('the slot is free, and the other has called the next', async () => {
        const slots = await system.query('waiting_room', 'select 1 from slot where fan = $1', [
          leaver?.userId,
        ]);
        return slots.length === 0 && (await serving()) > before;
      });
    } finally {
      process.kill(owner.pid(), 'SIGCONT');
    }
    await until('the next is in', async () => {
      // Those behind may have been called, too, while the others took their time to come.
      const replies = await Promise.all(
        fans.slice(0, inside + 1).map(async (fan) => askIn(fan, sale, (await placeOf(fan, sale)).queueToken)),
      );
      const [row] = await system.query<{ taken: number; cap: number }>(
        'waiting_room',
        'select count(fan)::int as taken, count(*)::int as cap from slot',
      );
      expect(row?.cap).toBe(inside);
      expect(row?.taken).toBeLessThanOrEqual(inside);
      return next !== undefined && replies[fans.indexOf(next)]?.status === 201;
    });
    await until('it knows that it owns them no more', oneOwns);
    expect(owners).toEqual([other]);
    await expectAuditGreen(system);
  },
);
