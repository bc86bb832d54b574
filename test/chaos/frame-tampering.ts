import type { Tamper } from '../support/passage.ts';
import { NatsReader, type NatsFrame } from './nats-frames.ts';

/** What becomes of one message frame: `pass` lets its bytes go on, now or later, once, twice or never. */
export type Treatment = (frame: NatsFrame, pass: (bytes: Buffer) => void) => void;

/**
 * Does something to the messages between a process and NATS, both ways. Whole frames only, and nothing but messages: the talk of
 * the connection itself goes through, or there would be no connection to tamper with.
 */
export function frameTamper(treat: Treatment): Tamper {
  return () => {
    const reading = () => {
      const reader = new NatsReader();
      return (chunk: Buffer, pass: (bytes: Buffer) => void) => {
        // What passes goes on in as few writes as it came in.
        let passed: Buffer[] | undefined = [];
        const gather = (bytes: Buffer) => void (passed ? passed.push(bytes) : pass(bytes));
        for (const frame of reader.read(chunk)) {
          if (frame.subject === '') gather(frame.bytes);
          else treat(frame, gather);
        }
        const now = Buffer.concat(passed);
        passed = undefined;
        if (now.length > 0) pass(now);
      };
    };
    return { there: reading(), back: reading() };
  };
}

type Chance = { readonly random: () => number; readonly share: number; readonly count: () => void };

export const losing =
  ({ random, share, count }: Chance): Treatment =>
  ({ bytes }, pass) => {
    if (random() >= share) return pass(bytes);
    count();
  };

/** Goes on, and comes again at once or much later: long after it was answered, or its sender gave up. */
export const repeating =
  ({ random, share, count, laterMs }: Chance & { readonly laterMs: number }): Treatment =>
  ({ bytes }, pass) => {
    pass(bytes);
    if (random() >= share) return;
    count();
    if (random() < 0.5) return pass(bytes);
    setTimeout(() => pass(bytes), laterMs * random());
  };

export const delaying =
  ({ random, share, count, laterMs }: Chance & { readonly laterMs: number }): Treatment =>
  ({ bytes }, pass) => {
    if (random() >= share) return pass(bytes);
    count();
    setTimeout(() => pass(bytes), laterMs);
  };

const overtakersMost = 8;
const heldMsMost = 100;

/** Held until some others have gone by, but not for ever: there may be none. */
export function reordering({ random, share, count }: Chance): Treatment {
  const held = new Set<{ left: number; go: () => void }>();
  return ({ bytes }, pass) => {
    if (random() < share) {
      const one = {
        left: 1 + Math.floor(random() * overtakersMost),
        go: () => {
          if (held.delete(one)) pass(bytes);
        },
      };
      held.add(one);
      setTimeout(one.go, heldMsMost);
      return;
    }
    pass(bytes);
    for (const one of held)
      if (--one.left === 0) {
        count();
        one.go();
      }
  };
}
