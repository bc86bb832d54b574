import type { Fault } from './fault.ts';
import { branches } from './branches.ts';
import { Stage, type Verdict } from './stage.ts';

export type Say = (sentence: string) => void;

/** One fault on one target, alone: load → fault → heal → drain → audit. */
export async function playAlone(fault: Fault, target: string, seed: number): Promise<Verdict> {
  const stage = await Stage.open({ seed });
  try {
    const heal = await fault.strike(stage, target);
    await stage.pause(fault.seconds.alone * 1_000);
    await heal();
    await stage.goesOn();
    return await stage.judge(fault.evidence);
  } finally {
    await stage.close();
  }
}

const atOnce = 3;
/** One more than there have to be: one of them is always ending or beginning. */
const lanes = 4;
const calmMsMax = 1_000;
/** A strike may meet nobody, among others that keep everybody waiting. What so many do not show does not happen. */
const strikesMost = 4;
/** Below that, faults that take their time are left out: everything in the deck has to come. */
const longMinutes = 10;

/**
 * Several faults at once, one ending and another beginning, for so long, and until each kind has come in full and was seen. Each is
 * drawn once before any is drawn again; whom it strikes, and for how long, is chance from the seed.
 */
export async function playChaos(
  all: readonly Fault[],
  { minutes, seed, say, signal }: { minutes: number; seed: number; say: Say; signal?: AbortSignal },
): Promise<Verdict> {
  const faults = minutes < longMinutes ? all.filter(({ isLong }) => !isLong) : all;
  const stage = await Stage.open({ seed });
  signal?.addEventListener('abort', () => stage.hurry());
  try {
    const endsAt = Date.now() + minutes * 60_000;
    const deck = new Deck(faults, stage.random);
    const isSeen = ({ evidence }: Fault) => evidence.every((what) => (stage.counts.get(what) ?? 0) > 0);
    const failed: string[] = [];
    const touched = new Set<string>();
    let underWay = 0;
    const play = async () => {
      while (!signal?.aborted) {
        const isLate = Date.now() >= endsAt;
        const due = isLate ? deck.due(isSeen) : faults;
        if (due.length === 0) return;
        const drawn = isLate ? deck.drawOf(due, touched) : deck.draw(touched);
        if (!drawn) {
          await stage.pause(200);
          continue;
        }
        const { fault, target, isFirst } = drawn;
        const touches = fault.touches(target);
        for (const what of touches) touched.add(what);
        const lastsMs = fault.seconds.chaos * 1_000 * (0.5 + stage.random());
        try {
          say(`${fault.name} → ${target}, ${Math.round(lastsMs / 100) / 10} s`);
          const heal = await fault.strike(stage, target);
          underWay++;
          if (underWay >= atOnce) stage.count(`${atOnce} faults at once`);
          await stage.pause(
            isFirst || isLate ? lastsMs : Math.min(lastsMs, Math.max(0, endsAt - Date.now())),
          );
          underWay--;
          await heal();
        } catch (error) {
          failed.push(`${fault.name} → ${target}: ${error instanceof Error ? error.message : String(error)}`);
        }
        for (const what of touches) touched.delete(what);
        await stage.pause(stage.random() * calmMsMax);
      }
    };
    await Promise.all(Array.from({ length: lanes }, play));
    await stage.goesOn();
    const evidence = faults.flatMap((fault) => fault.evidence);
    const verdict = await stage.judge([...evidence, ...branches, `${atOnce} faults at once`]);
    return { ...verdict, wrong: [...failed, ...verdict.wrong] };
  } finally {
    await stage.close();
  }
}

type Drawn = { readonly fault: Fault; readonly target: string; readonly isFirst: boolean };

/** Faults in a random order, each once before any comes again. */
class Deck {
  readonly #faults: readonly Fault[];
  readonly #random: () => number;
  readonly #times = new Map<Fault, number>();
  #rest: Fault[] = [];

  constructor(faults: readonly Fault[], random: () => number) {
    this.#faults = faults;
    this.#random = random;
  }

  /** Those that have not come, or that nobody has seen. */
  due(isSeen: (fault: Fault) => boolean): Fault[] {
    return this.#faults.filter((fault) => {
      const times = this.#times.get(fault) ?? 0;
      return times === 0 || (times < strikesMost && !isSeen(fault));
    });
  }

  /** The next one that can strike somebody without meeting what is touched already. */
  draw(touched: ReadonlySet<string>): Drawn | undefined {
    if (this.#rest.length === 0) this.#rest = shuffled(this.#faults, this.#random);
    const drawn = this.drawOf(this.#rest, touched);
    if (drawn) {
      this.#rest = this.#rest.filter((other) => other !== drawn.fault);
      return drawn;
    }
    // Those that are left wait for each other; meanwhile another comes again that is in nobody's way.
    const wanted = this.#rest.flatMap((fault) =>
      fault.targets.flatMap((target) => [...fault.touches(target)]),
    );
    return this.drawOf(shuffled(this.#faults, this.#random), new Set([...touched, ...wanted]));
  }

  drawOf(faults: readonly Fault[], touched: ReadonlySet<string>): Drawn | undefined {
    for (const fault of faults) {
      const target = shuffled(fault.targets, this.#random).find((one) =>
        fault.touches(one).every((what) => !touched.has(what)),
      );
      if (target === undefined) continue;
      const times = this.#times.get(fault) ?? 0;
      this.#times.set(fault, times + 1);
      return { fault, target, isFirst: times === 0 };
    }
    return undefined;
  }
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const rest = [...items];
  return items.flatMap(() => rest.splice(Math.floor(random() * rest.length), 1));
}
