import { expect, test } from 'vitest';
import type { Known } from './availability-change.ts';
import { AvailabilityFeed, pollMs, type StreamEvents } from './availability-feed.ts';
import type { Availability } from './types.ts';

/** A browser whose clock stands until it is told to go on. */
function browser(random = 0) {
  let time = 0;
  const timers = new Set<{ at: number; act: () => void }>();
  const asked: PromiseWithResolvers<Known>[] = [];
  const streams: { known: Known; events: StreamEvents; isOpen: boolean }[] = [];
  const published: Availability[] = [];
  const feed = new AvailabilityFeed({
    fetchAll: () => {
      const answer = Promise.withResolvers<Known>();
      asked.push(answer);
      return answer.promise;
    },
    openStream: (known, events) => {
      const stream = { known, events, isOpen: true };
      streams.push(stream);
      return { close: () => (stream.isOpen = false) };
    },
    later: (act, milliseconds) => {
      const timer = { at: time + milliseconds, act };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    random: () => random,
    publish: (availability) => published.push(availability),
  });
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  };
  const pass = async (milliseconds: number): Promise<void> => {
    const end = time + milliseconds;
    for (;;) {
      const next = [...timers].filter(({ at }) => at <= end).toSorted((one, other) => one.at - other.at)[0];
      if (!next) break;
      timers.delete(next);
      time = next.at;
      next.act();
      await settle();
    }
    time = end;
  };
  const answer = async (known: Known): Promise<void> => {
    asked.at(-1)?.resolve(known);
    await settle();
  };
  const fail = async (): Promise<void> => {
    asked.at(-1)?.reject(new Error('nobody there'));
    await settle();
  };
  const stream = () => {
    const last = streams.at(-1);
    if (!last) throw new Error('There is no stream.');
    return last;
  };
  return { feed, asked, streams, published, pass, answer, fail, stream };
}

const all = (sequence: number, ...states: number[]): Known => ({
  version: 1,
  sequence,
  states: Uint8Array.from(states),
});

test('everything is asked for first, then the stream that follows on it', async () => {
  const { feed, stream, published, pass, answer } = browser();
  feed.start();
  await answer(all(5, 0, 0));
  expect(stream().known.sequence).toBe(5);
  stream().events.opened();
  stream().events.told({ version: 1, sequence: 6, changes: [[1, 2]] });
  await pass(100);
  expect(published.at(-1)).toEqual({ ...all(6, 0, 2), freshness: 'live' });
});

test('many messages are told as one change', async () => {
  const { feed, stream, published, pass, answer } = browser();
  feed.start();
  await answer(all(5, 0, 0));
  await pass(100);
  const before = published.length;
  for (let sequence = 6; sequence < 26; sequence++) {
    stream().events.told({ version: 1, sequence, changes: [[0, sequence % 3]] });
  }
  await pass(100);
  expect(published.length).toBe(before + 1);
  expect(published.at(-1)?.sequence).toBe(25);
});

test('after a gap everything is asked for again, and an older answer does not undo what is known', async () => {
  const { feed, asked, stream, streams, published, pass, answer } = browser();
  feed.start();
  await answer(all(5, 0));
  stream().events.told({ version: 1, sequence: 9, changes: [[0, 1]] });
  stream().events.told({ version: 2, sequence: 10, changes: [] });
  expect(streams[0]?.isOpen).toBe(false);
  await pass(500);
  expect(asked.length).toBe(2);
  await answer(all(7, 0));
  await pass(100);
  expect(published.at(-1)).toMatchObject({ sequence: 9, states: Uint8Array.of(1) });
});

test('a reset that tells everything needs no question', async () => {
  const { feed, asked, stream, published, pass, answer } = browser();
  feed.start();
  await answer(all(5, 0));
  stream().events.reset(all(50, 2));
  await pass(1_000);
  expect(asked.length).toBe(1);
  expect(published.at(-1)).toMatchObject({ sequence: 50, states: Uint8Array.of(2) });
});

test('a reset by a server that is behind undoes nothing, and what it tells next is heard', async () => {
  const { feed, stream, published, pass, answer } = browser();
  feed.start();
  await answer(all(5, 1, 0));
  stream().events.reset(all(4, 0, 0));
  await pass(100);
  expect(published.at(-1)).toMatchObject({ sequence: 5, states: Uint8Array.of(1, 0) });
  stream().events.told({
    version: 1,
    sequence: 6,
    changes: [
      [0, 1],
      [1, 2],
    ],
  });
  await pass(100);
  expect(published.at(-1)).toMatchObject({ sequence: 6, states: Uint8Array.of(1, 2) });
});

test('while streams break at once, it polls, and tries a stream only now and then', async () => {
  const { feed, asked, streams, pass, answer } = browser(0.9);
  feed.start();
  for (let turn = 0; turn < 8; turn++) {
    await answer(all(5, 0));
    const stream = streams.at(-1);
    if (stream?.isOpen) stream.events.broken();
    await pass(4_000);
  }
  expect([asked.length, streams.length]).toEqual([9, 2]);
});

test('a stream that neither opens nor breaks is given up, and it polls', async () => {
  const { feed, asked, streams, published, pass, answer } = browser(0.9);
  feed.start();
  await answer(all(5, 0));
  await pass(6_000);
  expect([streams[0]?.isOpen, asked.length]).toEqual([false, 2]);
  await answer(all(6, 1));
  await pass(100);
  expect(published.at(-1)).toMatchObject({ sequence: 6, freshness: 'polled' });
});

test('a stream that is open is not given up', async () => {
  const { feed, asked, stream, pass, answer } = browser();
  feed.start();
  await answer(all(5, 0));
  stream().events.opened();
  await pass(60_000);
  expect([stream().isOpen, asked.length]).toEqual([true, 1]);
});

test('however often streams break, the seats are asked for at the interval of polls', async () => {
  const { feed, asked, stream, pass, answer } = browser();
  feed.start();
  // Each answer is followed by another stream, which breaks.
  for (let turn = 1; turn < 12; turn++) {
    await answer(all(5, 0));
    stream().events.broken();
    await pass(pollMs);
    expect(asked.length).toBeGreaterThan(turn);
  }
});

test('the pause after each failure is longer than the one before, up to half a minute', async () => {
  const { feed, asked, pass, fail } = browser();
  feed.start();
  const pauses: number[] = [];
  for (let turn = 0; turn < 9; turn++) {
    const before = asked.length;
    await fail();
    let waited = 0;
    while (asked.length === before) {
      await pass(50);
      waited += 50;
    }
    pauses.push(waited);
  }
  expect(pauses).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
});

test('without an answer it says that what it shows is stale, and live again once a stream is open', async () => {
  const { feed, stream, published, pass, answer, fail } = browser();
  feed.start();
  await answer(all(5, 0));
  stream().events.opened();
  stream().events.broken();
  await pass(300);
  await fail();
  await pass(100);
  expect(published.at(-1)?.freshness).toBe('stale');
  await pass(300);
  await answer(all(6, 1));
  stream().events.opened();
  await pass(100);
  expect(published.at(-1)).toMatchObject({ sequence: 6, freshness: 'live' });
});

test('stopped, it closes everything and hears nothing; started again, it asks for everything', async () => {
  const { feed, asked, stream, published, pass, answer } = browser();
  feed.start();
  await answer(all(5, 0));
  await pass(100);
  const { events } = stream();
  feed.stop();
  const before = published.length;
  events.told({ version: 1, sequence: 6, changes: [[0, 2]] });
  await pass(60_000);
  expect([asked.length, published.length, stream().isOpen]).toEqual([1, before, false]);
  feed.start();
  expect(asked.length).toBe(2);
});
