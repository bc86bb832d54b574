import { until } from '@tutti/kit/testing';
import { afterAll, expect, test } from 'vitest';
import { field, text, type Fan } from '../support/client.ts';
import { askIn, join, placeOf, queueOf, reserveWith } from '../support/line.ts';
import { Playground } from '../support/playground.ts';
import { Started } from '../support/started.ts';
import { expectAuditGreen } from '../support/truth.ts';

const playground = new Playground('line');
afterAll(async () => {
  await playground.clear();
  playground.remove();
});

const sale = 'rehearsal';

test(
  'every place, every number and who is inside are the same after everything was killed, before and after the opening',
  { timeout: 200_000 },
  async () => {
    const system = await Started.in(playground.unused());
    await system.start();
    await system.query(
      'concert',
      `update concert set inside = 3, pace = 1000, guarded_since = now(), on_sale_at = now() + interval '1 hour'`,
    );
    await until('the waiting room has heard of it', async () => (await queueOf(system, sale)).status === 200);
    const fans = await system.fans(30);
    // Killed while they join: whoever was told a place has it.
    const told = new Map<Fan, string>();
    const joining = Promise.allSettled(
      fans.map(async (fan, index) => {
        await until('it is this fan’s moment', () => told.size >= index - 8);
        told.set(fan, (await placeOf(fan, sale)).queueToken);
      }),
    );
    await until('some have joined', () => told.size >= 12);
    await system.killEverything();
    const before = new Map(told);
    void joining;
    await system.start();
    for (const [fan, queueToken] of before) {
      const again = await join(fan, sale);
      expect(again.status).toBe(200);
      expect(text(again.body, 'queueToken')).toBe(queueToken);
    }
    for (const fan of fans) await placeOf(fan, sale);

    await system.query('concert', 'update concert set on_sale_at = now()');
    await until('the order is drawn', async () => 'seed' in Object((await queueOf(system, sale)).body));
    const numbers = await Promise.all(
      fans.map(async (fan) => field((await placeOf(fan, sale)).body, 'number')),
    );
    const [first] = fans.filter((_, at) => numbers[at] === 1);
    if (!first) throw new Error('Nobody is the first.');
    const { queueToken } = await placeOf(first, sale);
    await until('the first is in', async () => (await askIn(first, sale, queueToken)).status === 201);
    const document = (await queueOf(system, sale)).body;
    await system.killEverything();
    await system.start();
    expect(
      await Promise.all(fans.map(async (fan) => field((await placeOf(fan, sale)).body, 'number'))),
    ).toEqual(numbers);
    for (const name of ['commitment', 'seed', 'joinRoot', 'preQueueSize'])
      expect(field((await queueOf(system, sale)).body, name)).toEqual(field(document, name));
    const inside = await placeOf(first, sale);
    expect(inside.body).toMatchObject({ status: 'admitted' });
    const admission = text((await askIn(first, sale, inside.queueToken)).body, 'admissionToken');
    const [seat] = await system.query<{ id: string; show: string }>(
      'concert',
      'select id, performance_id as show from seat order by index limit 1',
    );
    expect((await reserveWith(first, seat?.show ?? '', [seat?.id ?? ''], admission)).status).toBe(201);
    await expectAuditGreen(system);
    await system.stop();
  },
);
