import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { messages } from '../messages/index.ts';
import { saidWhile } from '../parts/notice.tsx';
import { beginAttempt, endAttempt, openAttempt, settle, type Phase } from './attempt.ts';

const minuteMs = 60_000;
const seats = (...seatIds: string[]) => ({ performanceId: 'night-1', seatIds });
const reserve = (body: object) => beginAttempt('mina', 'reserve:night-1', '/reservations', body);
const charge = (amount: number) => beginAttempt('mina', 'charge', '/points/charges', { amount });

beforeEach(() => {
  vi.useFakeTimers();
  const kept = new Map<string, string>();
  vi.stubGlobal('localStorage', {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, text: string) => void kept.set(name, text),
    removeItem: (name: string) => void kept.delete(name),
  });
  vi.stubGlobal('addEventListener', () => {});
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('a wish whose outcome is not known', () => {
  test('goes on with its key; other seats are another wish', () => {
    const first = reserve(seats('A-1', 'A-2'));
    expect(reserve(seats('A-1', 'A-2'))).toEqual(first);
    const second = reserve(seats('B-1'));
    expect(second.key).not.toBe(first.key);
    expect(second.body).toEqual(seats('B-1'));
    // The first one's late end does not end the second.
    endAttempt(first);
    expect(openAttempt('mina', 'reserve:night-1')).toEqual(second);
    endAttempt(second);
    expect(openAttempt('mina', 'reserve:night-1')).toBeNull();
  });

  test('of charging is that of the first amount until it is known: two might both count', () => {
    const first = charge(5_000);
    expect(charge(7_000)).toEqual(first);
    expect(openAttempt('mina', 'charge')?.body).toEqual({ amount: 5_000 });
    endAttempt({ userId: 'mina', wish: 'charge' });
    expect(charge(7_000).key).not.toBe(first.key);
  });

  test('is that of one fan', () => {
    charge(5_000);
    expect(openAttempt('juno', 'charge')).toBeNull();
  });

  test('is not gone on with when it is too old: seats after ten minutes, the rest after a day', () => {
    reserve(seats('A-1'));
    const first = charge(5_000);
    vi.advanceTimersByTime(9 * minuteMs);
    expect(openAttempt('mina', 'reserve:night-1')).not.toBeNull();
    vi.advanceTimersByTime(minuteMs);
    expect(openAttempt('mina', 'reserve:night-1')).toBeNull();
    expect(openAttempt('mina', 'charge')).toEqual(first);
    vi.advanceTimersByTime(24 * 60 * minuteMs);
    expect(openAttempt('mina', 'charge')).toBeNull();
    expect(charge(5_000).key).not.toBe(first.key);
  });

  test.each(['', 'null', '7', '{"key":"k"}', '{"key":"k","path":"/x","body":null,"begunAtMs":0}', '{'])(
    'is none where the storage has %s',
    (text) => {
      localStorage.setItem('tutti.attempt.mina.charge', text);
      expect(openAttempt('mina', 'charge')).toBeNull();
    },
  );
});

const json = (status: number, body: object, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers });

/** Settles a charge against these answers, one for each request, and tells what was asked and shown. */
async function settled(...answers: (Response | 'lost')[]) {
  const asked: string[] = [];
  const phases: Phase[] = [];
  vi.stubGlobal('fetch', (url: string, { headers }: { headers: Record<string, string> }) => {
    asked.push(`${url} ${headers['idempotency-key'] ?? ''}`.trim());
    const answer = answers.shift() ?? 'lost';
    return answer === 'lost' ? Promise.reject(new TypeError('lost')) : Promise.resolve(answer);
  });
  const attempt = charge(5_000);
  const outcome = settle(attempt, {}, (phase) => phases.push(phase), new AbortController().signal).catch(
    (error: unknown) => error,
  );
  await vi.advanceTimersByTimeAsync(minuteMs);
  return { outcome: await outcome, asked, phases, key: attempt.key };
}

describe('until the outcome is known', () => {
  test.each([
    ['lost', 'waiting', 'unreachable'],
    [503, 'repeating', 'overloaded'],
    [429, 'repeating', 'rate_limited'],
    [504, 'repeating', 'outcome_unknown'],
    [500, 'repeating', 'internal_error'],
    [409, 'following', 'idempotency_in_flight'],
  ] as const)('the same key is asked again: %s is %s (%s)', async (first, phase, code) => {
    const answer = first === 'lost' ? 'lost' : json(first, { code });
    const { outcome, asked, phases, key } = await settled(answer, json(201, { balance: 5_000 }));
    expect(outcome).toEqual({ body: { balance: 5_000 }, operationId: null });
    expect(asked).toEqual([`/api/v1/points/charges ${key}`, `/api/v1/points/charges ${key}`]);
    expect(phases).toEqual(['asking', phase, 'asking']);
    expect(openAttempt('mina', 'charge')).toBeNull();
    const said = saidWhile(phase, messages.en);
    expect(said === messages.en.unreachable).toBe(first === 'lost');
    expect(said).not.toBeNull();
  });

  test('what takes longer is followed to its end, and then asked for its answer', async () => {
    const accepted = json(202, {}, { location: '/api/v1/operations/o-1' });
    const { outcome, asked, phases, key } = await settled(
      accepted,
      json(200, { status: 'running' }),
      json(200, { status: 'succeeded' }),
      json(201, { balance: 5_000 }),
    );
    expect(outcome).toMatchObject({ body: { balance: 5_000 } });
    const [charging, operation] = [`/api/v1/points/charges ${key}`, '/api/v1/operations/o-1'];
    expect(asked).toEqual([charging, operation, operation, charging]);
    expect(phases).toEqual(['asking', 'following', 'asking']);
  });

  test('seats are not asked for any more when the connection was away for too long', async () => {
    let asked = 0;
    vi.stubGlobal('fetch', () => (asked++, Promise.reject(new TypeError('lost'))));
    const outcome = settle(reserve(seats('A-1')), {}, () => {}, new AbortController().signal).catch(
      (error: unknown) => error,
    );
    await vi.advanceTimersByTimeAsync(9 * minuteMs);
    expect(openAttempt('mina', 'reserve:night-1')).not.toBeNull();
    await vi.advanceTimersByTimeAsync(2 * minuteMs);
    expect(await outcome).toMatchObject({ code: 'request_timeout' });
    const askedInTime = asked;
    await vi.advanceTimersByTimeAsync(2 * minuteMs);
    expect(asked).toBe(askedInTime);
  });

  test('a refusal ends it; being signed out, and what broke on the other side, do not', async () => {
    const { outcome } = await settled(json(409, { code: 'balance_limit' }));
    expect(outcome).toMatchObject({ code: 'balance_limit' });
    expect(openAttempt('mina', 'charge')).toBeNull();
    await settled(json(401, { code: 'unauthenticated' }));
    expect(openAttempt('mina', 'charge')).not.toBeNull();
    const broken = Array.from({ length: 4 }, () => json(500, { code: 'internal_error' }));
    expect((await settled(...broken)).outcome).toMatchObject({ code: 'internal_error' });
    expect(openAttempt('mina', 'charge')).not.toBeNull();
  });
});
