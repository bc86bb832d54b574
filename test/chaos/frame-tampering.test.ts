import { randomFrom } from '@tutti/kit/testing';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { delaying, frameTamper, losing, reordering, repeating, type Treatment } from './frame-tampering.ts';

const messages = Array.from({ length: 40 }, (_, at) => `PUB q.${at} 3\r\n${100 + at}\r\n`);
const talk = ['PING\r\n', 'SUB a 1\r\n'];
const wire = Buffer.from([talk[0], ...messages, talk[1]].join(''));

/** What comes out at the other end when the bytes come in chunks of so many. */
function carried(treatment: Treatment, chunkBytes: number, way: 'there' | 'back' = 'there'): string {
  const out: Buffer[] = [];
  const tamper = frameTamper(treatment)(() => {});
  for (let at = 0; at < wire.length; at += chunkBytes)
    tamper[way](wire.subarray(at, at + chunkBytes), (bytes) => void out.push(bytes));
  vi.runAllTimers();
  return Buffer.concat(out).toString();
}
const framesIn = (text: string): string[] =>
  text.match(/PUB q\.\d+ 3\r\n\d+\r\n|PING\r\n|SUB a 1\r\n/g) ?? [];

const chance = (share: number, seed = 1) => {
  let counted = 0;
  return { random: randomFrom(seed), share, count: () => void counted++, counted: () => counted };
};
const anyRun = fc.record({ seed: fc.nat(), chunkBytes: fc.integer({ min: 1, max: 200 }) });

const withTimers = (work: () => void): void => {
  vi.useFakeTimers();
  try {
    work();
  } finally {
    vi.useRealTimers();
  }
};

test('what is not to be lost arrives as it was', () => {
  withTimers(() => {
    expect(carried(losing(chance(0)), 7)).toBe(wire.toString());
    expect(carried(losing(chance(0)), 1_000, 'back')).toBe(wire.toString());
  });
});

test('whole frames are lost, each one counted, and never the talk of the connection', () => {
  withTimers(() =>
    fc.assert(
      fc.property(anyRun, ({ seed, chunkBytes }) => {
        const told = chance(0.3, seed);
        const text = carried(losing(told), chunkBytes);
        expect(framesIn(text).join('')).toBe(text);
        expect(framesIn(text)).toEqual(expect.arrayContaining(talk));
        expect(framesIn(text).length).toBe(messages.length + talk.length - told.counted());
      }),
      { numRuns: 60 },
    ),
  );
});

test.each([
  ['repeated', (told: ReturnType<typeof chance>) => repeating({ ...told, laterMs: 1_000 }), 1],
  ['delayed', (told: ReturnType<typeof chance>) => delaying({ ...told, laterMs: 1_000 }), 0],
  ['reordered', (told: ReturnType<typeof chance>) => reordering(told), 0],
] as const)('frames that are %s all arrive, whole', (_, treatment, extra) => {
  withTimers(() =>
    fc.assert(
      fc.property(anyRun, ({ seed, chunkBytes }) => {
        const told = chance(0.3, seed);
        const text = carried(treatment(told), chunkBytes);
        const frames = framesIn(text);
        expect(frames.join('')).toBe(text);
        expect(frames.length).toBe(messages.length + talk.length + extra * told.counted());
        expect(new Set(frames)).toEqual(new Set([...messages, ...talk]));
      }),
      { numRuns: 60 },
    ),
  );
});

test('a frame is overtaken by some others, and held no longer when there are none', () => {
  withTimers(() => {
    const told = chance(0.3);
    const frames = framesIn(carried(reordering(told), 1_000));
    expect(told.counted()).toBeGreaterThan(0);
    expect(frames).not.toEqual(framesIn(wire.toString()));
  });
});
