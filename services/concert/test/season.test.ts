import { randomUUID } from 'node:crypto';
import { callHandle, commandSettings, journalMigrations } from '@tutti/kit/participant';
import { Database } from '@tutti/kit/postgres';
import { testDatabase, type TestDatabase } from '@tutti/kit/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readSeason, type Season } from '../src/season.ts';
import { loadSeason } from '../src/season-store.ts';
import { demoFile, edit, faultsOf, readTexts, seasonText, venueText, type Texts } from './attic-season.ts';

describe('loading a season', () => {
  let concerts: TestDatabase;
  beforeEach(async () => {
    concerts = await testDatabase([
      journalMigrations,
      { name: 'concert', folder: new URL('../migrations/', import.meta.url) },
    ]);
  });
  afterEach(() => concerts.drop());

  const load = async (texts: Texts = {}) => loadSeason(concerts.database, await readTexts(texts));
  const versions = async () => {
    const rows = await concerts.database.query<{ id: string; version: number }>(
      'select id, version from concert union all select id, seat_map_version from performance order by id',
    );
    return Object.fromEntries(rows.map(({ id, version }) => [id, version]));
  };
  const seats = async (performanceId: string) =>
    concerts.database.query<{ id: string; index: number; label: string; price: number }>(
      'select id, index, label, price from seat where performance_id = $1 order by index',
      [performanceId],
    );
  const seatMap = async (performanceId: string): Promise<unknown> => {
    const [row] = await concerts.database.query<{ map: unknown }>(
      'select seat_map::json as map from performance where id = $1',
      [performanceId],
    );
    return row?.map;
  };
  const take = async (performanceId: string, seatIds: string[], status: 'reserved' | 'paid') => {
    const id = randomUUID();
    await concerts.database.query(
      `insert into reservation (id, performance_id, user_id, status, seat_ids, seats, amount, expires_at)
       values ($1, $2, $1, $3, $4, '[{"price":5000}]', 5000, now() + interval '5 minutes')`,
      [id, performanceId, status, seatIds],
    );
    await concerts.database.query(
      'update seat set status = $3, reservation_id = $4 where performance_id = $1 and id = any ($2)',
      [performanceId, seatIds, status, id],
    );
  };

  test('leaves the opening to the promoter until the file says another one', async () => {
    const opening = async () => {
      const [row] = await concerts.database.query<{ at: Date }>('select on_sale_at as at from concert');
      return row?.at.toISOString();
    };
    await load();
    await concerts.database.query(`update concert set on_sale_at = '2026-01-01T02:30:00Z'`);
    await load({ season: edit(seasonText, ['en: First', 'en: The first']) });
    expect(await opening()).toBe('2026-01-01T02:30:00.000Z');
    await load({ season: edit(seasonText, ['2026-01-01T12:00:00+09:00', '2026-01-01T13:00:00+09:00']) });
    expect(await opening()).toBe('2026-01-01T04:00:00.000Z');
  });

  test('writes concerts, performances, seats and the map', async () => {
    expect(await load()).toEqual({ concerts: 1, performances: 2, seats: 14, changed: 3 });
    const [concert] = await concerts.database.query(
      'select title, artist, venue_id, translations, sale_state from concert',
    );
    expect(concert).toEqual({
      title: 'First',
      artist: 'One',
      venue_id: 'attic',
      sale_state: 'open',
      translations: {
        ko: { title: '첫째', artist: '하나', venue: '다락' },
        en: { title: 'First', artist: 'One', venue: 'Attic' },
      },
    });
    expect((await seats('first-2')).slice(2, 4)).toEqual([
      { id: 'A-1-3', index: 2, label: 'Front · row 1 · seat 3', price: 5000 },
      { id: 'B-1-1', index: 3, label: 'Back · row 1 · seat 1', price: 3000 },
    ]);
    expect(await seatMap('first-2')).toMatchObject({
      version: 1,
      sections: [
        {
          name: 'Front',
          grade: 'R',
          price: 5000,
          seats: [
            { seatId: 'A-1-1', label: 'Front · row 1 · seat 1', row: '1', number: 1, x: -0.6, y: 4 },
            { seatId: 'A-1-2' },
            { seatId: 'A-1-3' },
          ],
        },
        { name: 'Back', grade: 'S', price: 3000 },
      ],
    });
  });

  test('again changes nothing', async () => {
    await load();
    const everything = () =>
      concerts.database
        .query(`select 'c' as kind, id, xmin::text from concert union all select 'v', id, xmin::text from venue
        union all select 'p', id, xmin::text from performance union all select performance_id, id, xmin::text from seat order by 1, 2`);
    const before = await everything();
    expect(await load()).toMatchObject({ changed: 0 });
    expect(await everything()).toEqual(before);
  });

  test('goes on where it was killed', async () => {
    const season = await readTexts();
    let left = 2;
    const dying = {
      transaction: async <T>(work: Parameters<typeof concerts.database.transaction<T>>[0]): Promise<T> => {
        return concerts.database.transaction(async (tx) => {
          const result = await work(tx);
          if (left-- === 0) throw new Error('killed before the commit');
          return result;
        });
      },
    };
    await expect(loadSeason(dying, season)).rejects.toThrow('killed');
    expect(await versions()).toEqual({ first: 1, 'first-1': 1 });
    expect(await loadSeason(concerts.database, season)).toMatchObject({ performances: 2, changed: 1 });
    expect(await versions()).toEqual({ first: 1, 'first-1': 1, 'first-2': 1 });
    expect(await seats('first-2')).toHaveLength(7);
  });

  test('twice at the same time is once', async () => {
    const loads = await Promise.all([load(), load(), load()]);
    expect(loads.map(({ changed }) => changed).reduce((sum, one) => sum + one, 0)).toBe(3);
    expect(await versions()).toEqual({ first: 1, 'first-1': 1, 'first-2': 1 });
  });

  test('changes a price in the seats and the map, but not in a hold', async () => {
    await load();
    await take('first-1', ['A-1-1'], 'reserved');
    expect(await load({ season: edit(seasonText, ['R: 5000', 'R: 6000']) })).toMatchObject({ changed: 2 });
    expect(await versions()).toEqual({ first: 1, 'first-1': 2, 'first-2': 2 });
    expect((await seats('first-1')).map(({ price }) => price)).toEqual([
      6000, 6000, 6000, 3000, 3000, 3000, 3000,
    ]);
    expect(await seatMap('first-1')).toMatchObject({
      version: 2,
      sections: [{ price: 6000 }, { price: 3000 }],
    });
    const held = await concerts.database.query('select seats, amount, version from reservation');
    expect(held).toEqual([{ seats: [{ price: 5000 }], amount: 5000, version: 1 }]);
  });

  test('changes a title or a time without a new map', async () => {
    await load();
    expect(await load({ season: edit(seasonText, ['ko: 첫째', 'ko: 처음']) })).toMatchObject({ changed: 1 });
    expect(await versions()).toEqual({ first: 2, 'first-1': 1, 'first-2': 1 });
    expect(
      await load({ season: edit(seasonText, ['ko: 첫째', 'ko: 처음'], ['05-02T19', '05-02T20']) }),
    ).toMatchObject({
      changed: 1,
    });
    expect(await versions()).toEqual({ first: 2, 'first-1': 1, 'first-2': 1 });
    const [moved] = await concerts.database.query(
      `select rfc3339(starts_at) as at from performance where id = 'first-2'`,
    );
    expect(moved).toEqual({ at: '2028-05-02T11:00:00.000Z' });
  });

  test('keeps whose seat it is when sections change places and seats are added', async () => {
    await load();
    await take('first-1', ['A-1-3'], 'paid');
    const [head = '', a = '', b = ''] = venueText.split(/(?= {2}- \{ code)/);
    const venue = edit(head + b + a, ['capacity: 7', 'capacity: 9'], ['seats: 3', 'seats: 5']);
    expect(await load({ venue })).toEqual({ concerts: 1, performances: 2, seats: 18, changed: 2 });
    const [taken] = await concerts.database.query(`select id, index, label from seat where status = 'paid'`);
    expect(taken).toEqual({ id: 'A-1-3', index: 6, label: 'Front · row 1 · seat 3' });
    const [total] = await concerts.database.query(`select seats_total from performance where id = 'first-1'`);
    expect(total).toEqual({ seats_total: 9 });
  });

  test('refuses to remove a seat that somebody has, and loads the rest', async () => {
    await load();
    await take('first-1', ['B-1-4'], 'reserved');
    const venue = edit(venueText, ['capacity: 7', 'capacity: 5'], ['seats: 4', 'seats: 2']);
    expect(await faultsOf(load({ venue }))).toEqual([
      'The performance first-1 would lose a seat that is reserved or paid (B-1-4); put it back into the venue file, or cancel its reservation first.',
    ]);
    expect(await seats('first-1')).toHaveLength(7);
    expect(await seats('first-2')).toHaveLength(5);
    expect(await versions()).toEqual({ first: 1, 'first-1': 1, 'first-2': 2 });
  });

  test('refuses to move a concert or a performance', async () => {
    await load();
    expect(await faultsOf(load({ venue: edit(venueText, ['venue: attic', 'venue: loft']) }))).toEqual([
      'The concert first is in the venue attic and cannot move to loft; give the new one another id.',
    ]);
    expect(await faultsOf(load({ season: edit(seasonText, ['id: first', 'id: second']) }))).toEqual([
      'The performance first-1 belongs to the concert first; give the one of second another id.',
      'The performance first-2 belongs to the concert first; give the one of second another id.',
    ]);
  });

  test('keeps what is not in the file any more', async () => {
    await load();
    const other = edit(
      seasonText,
      ['id: first', 'id: other'],
      ['id: first-1', 'id: other-1'],
      ['id: first-2', 'id: other-2'],
    );
    await load({ season: other });
    expect(Object.keys(await versions())).toEqual([
      'first',
      'first-1',
      'first-2',
      'other',
      'other-1',
      'other-2',
    ]);
  });

  test('changes prices in the middle of a sale without a deadlock', async () => {
    const sale = new Database(concerts.connection, {
      connectionsMax: 3,
      settings: { ...commandSettings, 'tutti.hold_seconds': 300, deadlock_timeout: '50ms' },
    });
    const season = await readSeason(demoFile);
    const hall = season.concerts.filter(({ concertId }) => concertId === 'letters-i-kept');
    const priced = (prices: Record<string, number>): Season => ({
      ...season,
      concerts: hall.map((one) => ({ ...one, performances: one.performances.slice(0, 1), prices })),
    });
    const [low, high] = [priced({ VIP: 4, R: 3, S: 2, A: 1 }), priced({ VIP: 40, R: 30, S: 20, A: 10 })];
    await loadSeason(concerts.database, low);
    const free = (await seats('letters-i-kept-1')).map(({ id }) => id);
    let loading = true;
    const buy = async (): Promise<void> => {
      while (loading && free.length > 0) {
        const batch = free.splice(0, 4).map((seatId) => reserve('letters-i-kept-1', seatId));
        const outcomes = await callHandle(sale, batch);
        expect(outcomes.filter((one) => !('ok' in one))).toEqual([]);
      }
    };
    const change = async (): Promise<void> => {
      for (const prices of [high, low, high, low, high]) await loadSeason(concerts.database, prices);
      loading = false;
    };
    await Promise.all([buy(), buy(), buy(), change()]);
    await sale.close();
    expect(await versions()).toMatchObject({ 'letters-i-kept-1': 6 });
    const [{ wrong } = { wrong: -1 }] = await concerts.database.query<{ wrong: number }>(
      'select count(*)::int as wrong from seat where price < 10',
    );
    expect(wrong).toBe(0);
  });
});

const reserve = (performanceId: string, seatId: string) => ({
  type: 'concert.reserve-seats',
  saga: randomUUID(),
  step: 'reserve',
  direction: 'do' as const,
  body: { performanceId, seatIds: [seatId], userId: randomUUID() },
  replyTo: 'nobody',
  traceId: '',
});
