import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openHall, reserve, verdict, type Hall } from './hall.fixture.ts';

// Who gets what when several reservations of one batch want the same seats (rule 8): decided in order of arrival, all seats of
// a reservation or none, and a refused one takes nothing from those behind it.
let hall: Hall;
beforeAll(async () => {
  hall = await openHall();
});
afterAll(() => hall.close());

type Wish = { ord: number; userId: string; performanceId: string; seatIds: string[]; held: number };
type Decision = { ord: number; refused: { code: string; data: object } | null };

const seatLimit = 6;

/** What `grant_in_order` is to do, in words that cannot be misread. */
function grantInOrder(wishes: readonly Wish[]): Decision[] {
  const taken = new Set<string>();
  const grantedTo = new Map<string, number>();
  return wishes.map(({ ord, userId, performanceId, seatIds, held }) => {
    const fan = `${userId} ${performanceId}`;
    const mine = held + (grantedTo.get(fan) ?? 0);
    if (mine + seatIds.length > seatLimit)
      return { ord, refused: { code: 'seat_limit_exceeded', data: { limit: seatLimit, held: mine } } };
    const unavailable = seatIds.filter((seat) => taken.has(`${performanceId} ${seat}`));
    if (unavailable.length > 0)
      return { ord, refused: { code: 'seat_unavailable', data: { seatIds: unavailable } } };
    for (const seat of seatIds) taken.add(`${performanceId} ${seat}`);
    grantedTo.set(fan, (grantedTo.get(fan) ?? 0) + seatIds.length);
    return { ord, refused: null };
  });
}

async function sqlGrantInOrder(wishes: readonly Wish[]): Promise<Decision[]> {
  const [row] = await hall.database.query<{
    granted: number[];
    refusals: { ord: number; outcome: { refused: Decision['refused'] } }[];
  }>(
    `select (select coalesce(json_agg(w.ord), '[]') from unnest(g.granted) w) as granted, g.refusals
     from grant_in_order(array(
       select row(w.ord, gen_random_uuid(), w."userId", w."performanceId", w."seatIds", '[]', 0, w.held, null)::seat_wish
       from jsonb_to_recordset($1::jsonb) as w(
         ord int, "userId" uuid, "performanceId" text, "seatIds" text[], held int)
       order by w.ord), $2) g`,
    [JSON.stringify(wishes), seatLimit],
  );
  if (!row) throw new Error('grant_in_order returned no row.');
  const granted = row.granted.map((ord) => ({ ord, refused: null }));
  const refused = row.refusals.map(({ ord, outcome }) => ({ ord, refused: outcome.refused }));
  return [...granted, ...refused].toSorted((a, b) => a.ord - b.ord);
}

const fans = Array.from({ length: 3 }, () => randomUUID());
const seatIds = fc
  .uniqueArray(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 6 })
  .map((numbers) => numbers.map((n) => `S-${n}`));
/** Few fans, seats and performances, so that they meet often. A fan holds the same number in all wishes for a performance. */
const wishesArbitrary = fc
  .record({
    held: fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 6, maxLength: 6 }),
    asked: fc.array(fc.record({ fan: fc.nat(2), performance: fc.nat(1), seatIds }), {
      minLength: 1,
      maxLength: 20,
    }),
  })
  .map(({ held, asked }) =>
    asked.map(
      (one, index): Wish => ({
        ord: index + 1,
        userId: fans[one.fan] ?? '',
        performanceId: `p-${one.performance}`,
        seatIds: one.seatIds,
        held: held[one.fan * 2 + one.performance] ?? 0,
      }),
    ),
  );

describe('within a batch', () => {
  test('wishes are granted as a small model grants them', async () => {
    await fc.assert(
      fc.asyncProperty(wishesArbitrary, async (wishes) => {
        expect(await sqlGrantInOrder(wishes)).toEqual(grantInOrder(wishes));
      }),
      { numRuns: 300 },
    );
  });

  test('a reservation refused for a taken seat takes nothing from those behind it', async () => {
    const show = await hall.show(3);
    await hall.reserved(show, ['S-2']);
    const outcomes = await hall
      .session()
      .handle(
        reserve(show, ['S-1', 'S-2']),
        reserve(show, ['S-3']),
        reserve(show, ['S-1', 'S-3']),
        reserve(show, ['S-1']),
      );
    expect(outcomes.map(verdict)).toEqual(['seat_unavailable', 'ok', 'seat_unavailable', 'ok']);
  });

  test('one refused for the limit of six takes nothing from those behind it', async () => {
    const show = await hall.show(8);
    const userId = randomUUID();
    const outcomes = await hall
      .session()
      .handle(
        reserve(show, ['S-1', 'S-2', 'S-3', 'S-4'], { userId }),
        reserve(show, ['S-5', 'S-6', 'S-7'], { userId }),
        reserve(show, ['S-5', 'S-6'], { userId }),
        reserve(show, ['S-7']),
      );
    expect(outcomes.map(verdict)).toEqual(['ok', 'seat_limit_exceeded', 'ok', 'ok']);
  });
});

test('random batches leave what the same reservations leave one after the other, and every seat with its reservation', async () => {
  const batches = fc.array(fc.array(fc.record({ fan: fc.nat(2), seatIds }), { minLength: 1, maxLength: 8 }), {
    minLength: 1,
    maxLength: 4,
  });
  const session = hall.session();
  await fc.assert(
    fc.asyncProperty(batches, async (asked) => {
      const show = await hall.show(8);
      const fansHere = fans.map(() => randomUUID());
      const commands = asked.map((batch) =>
        batch.map((one) => reserve(show, one.seatIds, { userId: fansHere[one.fan] ?? '' })),
      );
      const outcomes: string[] = [];
      for (const batch of commands) outcomes.push(...(await session.handle(...batch)).map(verdict));

      const flat = asked.flat().map((one, index) => ({
        ord: index + 1,
        userId: fansHere[one.fan] ?? '',
        performanceId: show,
        seatIds: one.seatIds,
        held: 0,
      }));
      const model = grantInOrder(flat).map(({ refused }) => refused === null);
      // What refuses a reservation may differ where two things do; whether it is refused may not.
      expect(outcomes.map((code) => code === 'ok')).toEqual(model);
      const expected = Array.from({ length: 8 }, () => 'available');
      for (const [index, command] of commands.flat().entries())
        if (model[index])
          for (const seat of flat[index]?.seatIds ?? [])
            expected[Number(seat.slice(2)) - 1] = `reserved ${command.saga}`;
      expect(await hall.seats(show)).toEqual(expected);
    }),
    { numRuns: 40 },
  );
});
