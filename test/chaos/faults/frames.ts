import { nameOf, services } from '@tutti/cluster/topology';
import type { Passage } from '../../support/passage.ts';
import type { Fault, Scene } from '../fault.ts';
import { delaying, frameTamper, losing, reordering, repeating, type Treatment } from '../frame-tampering.ts';

const everyone = 'everyone';
/** Longer than a hold of the stage, and than a fan waits for anything. */
const lateMs = 22_000;

/** Between one and thirty of a hundred. */
const anyShare = (random: () => number): number => 0.01 + 0.29 * random();

const namesOf = (target: string): string[] =>
  services
    .filter((service) => target === everyone || target === service)
    .flatMap((service) => [1, 2].map((number) => nameOf({ service, number })));

const waysOf = (target: string): string[] => namesOf(target).map((name) => `the ways of ${name}`);

type Treated = Pick<Fault, 'name' | 'promise' | 'evidence' | 'seconds'> & {
  readonly treat: (scene: Scene) => Treatment;
  /** What was begun may take so long to come to its end. */
  readonly lingersMs?: number;
};

/** Connections begin anew on both sides of it: a passage looks into bytes from a connection's first one on. */
function tamperWith(passages: readonly Passage[], treat: Treatment | undefined): void {
  for (const passage of passages) {
    passage.tamper = treat && frameTamper(treat);
    passage.break();
  }
}

const framesFault = ({ treat, lingersMs = 0, ...told }: Treated): Fault => ({
  ...told,
  targets: [everyone, ...services],
  touches: waysOf,
  strike: async (scene, target) => {
    const passages = namesOf(target).map((name) => scene.arena.passage(name, 'nats'));
    let isOver = false;
    const treatment = treat(scene);
    tamperWith(passages, (frame, pass) => (isOver ? pass(frame.bytes) : treatment(frame, pass)));
    return async () => {
      isOver = true;
      if (lingersMs > 0) await new Promise((done) => setTimeout(done, lingersMs));
      tamperWith(passages, undefined);
    };
  },
});

export const framesLost = framesFault({
  name: 'frames lost',
  promise: 'What was not heard is asked for again, commands and acknowledgements alike.',
  evidence: ['a frame was lost'],
  seconds: { alone: 20, chaos: 8 },
  treat: ({ random, count }) =>
    losing({ random, share: anyShare(random), count: () => count('a frame was lost') }),
});

export const framesRepeated = framesFault({
  name: 'frames repeated',
  promise: 'What comes twice, at once or long after it was answered, has its effect once.',
  evidence: ['a frame came twice'],
  seconds: { alone: 20, chaos: 8 },
  lingersMs: lateMs,
  treat: ({ random, count }) =>
    repeating({
      random,
      share: anyShare(random),
      laterMs: lateMs,
      count: () => count('a frame came twice'),
    }),
});

export const framesDelayed = framesFault({
  name: 'frames delayed',
  promise:
    'A command that arrives when its hold has ended does nothing; who asked was told the truth long ago.',
  evidence: ['a frame was held back until holds had ended'],
  seconds: { alone: 20, chaos: 8 },
  lingersMs: lateMs,
  treat: ({ random, count }) =>
    delaying({
      random,
      share: 0.02 + 0.03 * random(),
      laterMs: lateMs,
      count: () => count('a frame was held back until holds had ended'),
    }),
});

export const framesReordered = framesFault({
  name: 'frames reordered',
  promise: 'An undo that overtakes its action leaves a mark that stops it; a late reply is for nobody.',
  evidence: ['a frame was overtaken'],
  seconds: { alone: 20, chaos: 8 },
  treat: ({ random, count }) =>
    reordering({ random, share: anyShare(random), count: () => count('a frame was overtaken') }),
});

export const frameFaults: readonly Fault[] = [framesLost, framesRepeated, framesDelayed, framesReordered];
