import { environmentManager, focusManager, QueryClient, QueryObserver } from '@tanstack/react-query';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Place, Queue } from './api/line.ts';
import { Refusal, Unreachable } from './api/refusal.ts';
import { isCalled, pollMsOf, queueQuery, retryMsOf, standingOf } from './line-wait.ts';

const place: Place = { queueToken: 'mine', status: 'waiting', number: 40 };
const queue: Queue = {
  phase: 'open',
  opensAt: '2027-01-01T00:00:00.000Z',
  serving: 30,
  issued: 500,
  pacePerSecond: 2,
  pollAfterSeconds: 2,
  seatsLeft: [],
  updatedAt: '2027-01-01T00:10:00.000Z',
};
const refusal = (code: string, told: Record<string, unknown> = {}, status = 409) =>
  new Refusal(code, status, told, null);

describe('a standing in the line', () => {
  test('is the turn once the number is served, while the sale is open', () => {
    expect(standingOf(place, queue)).toMatchObject({ ahead: 9, isTurn: false });
    expect(standingOf(place, { ...queue, serving: 40 })).toMatchObject({ ahead: 0, isTurn: true });
  });

  test('knows that those behind the last who finds room wait for others to leave', () => {
    const far: Place = { ...place, number: 480 };
    const filling = { ...queue, later: { from: 80, pacePerSecond: 0.5 } };
    expect(standingOf(place, filling).wait).toEqual(standingOf(place, queue).wait);
    expect(standingOf(far, queue).wait?.high).toBeLessThan(400);
    expect(standingOf(far, filling).wait?.low).toBeGreaterThan(400);
  });

  test.each(['pre_queue', 'paused', 'sold_out', 'closed'] as const)(
    'is no turn in a sale that is %s',
    (phase) => {
      for (const one of [place, { ...place, status: 'admitted' } as const]) {
        const stands = { ...queue, phase, serving: 99 };
        expect(isCalled(one, stands)).toBe(false);
        expect(standingOf(one, stands)).toMatchObject({ isTurn: false, phase });
      }
    },
  );

  test('is behind as many as the refusal says when the visit is over, and goes on asking to be let in', () => {
    const served = { ...queue, serving: 99 };
    const told = standingOf(place, served, refusal('not_your_turn', { ahead: 401 }));
    expect(told).toMatchObject({ ahead: 401, isTurn: false });
    expect(told.wait?.low).toBeGreaterThan(60);
    expect(isCalled(place, served)).toBe(true);
  });

  test('is told by the refusal where the document is a moment older', () => {
    const served = { ...queue, serving: 99 };
    expect(standingOf(place, served, refusal('sale_paused'))).toMatchObject({
      phase: 'paused',
      isTurn: false,
    });
    expect(standingOf(undefined, undefined, refusal('sold_out'))).toMatchObject({ phase: 'sold_out' });
    expect(standingOf(place, served, refusal('overloaded', {}, 503)).isTurn).toBe(true);
  });
});

describe('asking again', () => {
  const failed = (error: unknown, silentSeconds: number) => ({
    error,
    dataUpdatedAt: 1_000_000,
    errorUpdatedAt: 1_000_000 + silentSeconds * 1_000,
  });
  const silence = new Unreachable(new Error('nobody there'));

  test('is soon after the first failure and ever more seldom afterwards, up to a bound', () => {
    expect([1, 20, 40, 600].map((seconds) => retryMsOf(failed(silence, seconds), 0, 0))).toEqual([
      2_000, 5_000, 10_000, 20_000,
    ]);
  });

  test('counts from the beginning where nothing was ever heard', () => {
    const never = { error: silence, dataUpdatedAt: 0, errorUpdatedAt: 5_000_000 };
    expect(retryMsOf(never, 4_999_000, 0)).toBe(2_000);
  });

  test('waits as long as the server asked', () => {
    const overloaded = new Refusal('overloaded', 503, {}, 9);
    expect(retryMsOf(failed(overloaded, 1), 0, 0)).toBe(9_000);
  });

  test('goes on after a no: seats come back, and a line may only just have been made', () => {
    const noes = [refusal('no_waiting_room', {}, 404), refusal('sold_out')];
    expect(noes.map((no) => retryMsOf(failed(no, 1), 0, 0))).toEqual([2_000, 2_000]);
    expect(noes.map((no) => retryMsOf(failed(no, 600), 0, 0))).toEqual([60_000, 60_000]);
  });

  test('comes at the same time however often the screen is drawn meanwhile', () => {
    expect(pollMsOf(place, queue, 0.4)).toBe(pollMsOf(place, queue, 0.4));
    expect(pollMsOf(place, queue, 0.4)).toBeGreaterThan(Number(pollMsOf(place, queue, 0)));
  });
});

describe('a tab that nobody sees', () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
    focusManager.setFocused(undefined);
    environmentManager.setIsServer(() => typeof window === 'undefined');
  });

  test('goes on asking after a poll that failed', async () => {
    vi.useFakeTimers();
    environmentManager.setIsServer(() => false);
    focusManager.setFocused(false);
    let polls = 0;
    const answer = (): Promise<Response> => {
      polls += 1;
      return polls === 2
        ? Promise.reject(new TypeError('nobody there'))
        : Promise.resolve(Response.json(queue));
    };
    vi.stubGlobal('fetch', answer);
    const queries = new QueryClient();
    const fan = { userId: 'mina', concertId: 'afterglow' };
    const line = new QueryObserver(queries, queueQuery(queries, fan, { startedAt: Date.now(), draw: 0 }));
    const stop = line.subscribe(() => {});
    await vi.advanceTimersByTimeAsync(60_000);
    expect(polls).toBe(2);
    expect(line.getCurrentResult().isError).toBe(true);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(polls).toBe(3);
    expect(line.getCurrentResult().isError).toBe(false);
    stop();
    queries.clear();
  });
});
