import { describe, expect, test } from 'vitest';
import { frameMessagesMax } from './bus.ts';
import { frameBytesMax, packFrames, unpackFrame } from './jetstream-frames.ts';

const fresh = (message: unknown) => ({ message, deliveries: 1, failures: 0 });
const unpacked = (frames: readonly string[]) => frames.flatMap((frame) => unpackFrame(frame)?.parcels ?? []);

describe('A frame', () => {
  test('brings messages and their counts across as they are', () => {
    const parcels = [
      fresh({ text: 'Übermut 🎻', nothing: null, deep: [1, { two: 2 }] }),
      { message: 'again', deliveries: 4, failures: 2 },
    ];
    const frames = packFrames('a.b', parcels, 1_234.5);
    expect(frames).toHaveLength(1);
    expect(unpackFrame(frames[0] ?? '')).toEqual({ parcels, afterMs: 1_235 });
  });

  test('leaves counts out while every message is new', () => {
    expect(packFrames('a.b', [fresh(1), fresh('two')])).toEqual(['{"messages":[1,"two"]}']);
  });

  test('of nothing is no frame', () => {
    expect(packFrames('a.b', [])).toEqual([]);
  });

  test('holds 512 messages', () => {
    const parcels = Array.from({ length: frameMessagesMax * 2 + 1 }, (_, at) => fresh(at));
    const frames = packFrames('a.b', parcels);
    expect(frames.map((frame) => unpackFrame(frame)?.parcels.length)).toEqual([512, 512, 1]);
    expect(unpacked(frames)).toEqual(parcels);
  });

  test('has at most 256 KiB, counted in bytes and with the counts', () => {
    const parcels = Array.from({ length: 300 }, (_, at) => ({
      message: { at, text: 'ü'.repeat(2_000) },
      deliveries: 1_000_000,
      failures: 5,
    }));
    const frames = packFrames('a.b', parcels, Date.now());
    expect(Math.max(...frames.map((frame) => Buffer.byteLength(frame)))).toBeLessThanOrEqual(frameBytesMax);
    expect(frames.length).toBeLessThan(7);
    expect(unpacked(frames)).toEqual(parcels);
  });

  test('takes no message that is too large alone, and says so', () => {
    expect(() => packFrames('room.commands', [fresh('x'.repeat(frameBytesMax))])).toThrow(
      `A message for the queue room.commands has ${frameBytesMax + 2} bytes; a frame holds at most ${frameBytesMax}.`,
    );
  });

  test.each([
    '',
    'no JSON',
    'null',
    '[1]',
    '{"messages":1}',
    '{"messages":[1],"failures":["x"]}',
    '{"messages":[1],"afterMs":"now"}',
  ])('is not %s', (text) => {
    expect(unpackFrame(text)).toBeUndefined();
  });
});
