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
/** Below that, faults that take their time are left out: everything in the deck has to come. */
const longMinutes = 10;

/**
 * Several faults at once, one ending and another beginning, for so long, and until each kind has come in full once. Each is drawn
 * once before any is drawn again; whom it strikes, and for how long, is chance from the seed.
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
    const failed: string[] = [];
    const touched = new Set<string>();
    let underWay = 0;
    const play = async () => {
      while ((Date.now() < endsAt || deck.fresh.length > 0) && !signal?.aborted) {
        const isLate = Date.now() >= endsAt;
        const drawn = isLate ? deck.drawFresh(touched) : deck.draw(touched);
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
          await stage.pause(isFirst ? lastsMs : Math.min(lastsMs, Math.max(0, endsAt - Date.now())));
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
  #rest: Fault[] = [];
  /** Those that were never drawn. */
  fresh: readonly Fault[];

  constructor(faults: readonly Fault[], random: () => number) {
    this.#faults = faults;
    this.#random = random;
    this.fresh = faults;
  }

  /** The next one that can strike somebody without meeting what is touched already. */
  draw(touched: ReadonlySet<string>): Drawn | undefined {
    if (this.#rest.length === 0) this.#rest = shuffled(this.#faults, this.#random);
    const drawn = this.#find(this.#rest, touched);
    if (drawn) {
      this.#rest = this.#rest.filter((other) => other !== drawn.fault);
      return drawn;
    }
    // Those that are left wait for each other; meanwhile another comes again that is in nobody's way.
    const wanted = this.#rest.flatMap((fault) =>
      fault.targets.flatMap((target) => [...fault.touches(target)]),
    );
    return this.#find(shuffled(this.#faults, this.#random), new Set([...touched, ...wanted]));
  }

  drawFresh(touched: ReadonlySet<string>): Drawn | undefined {
    return this.#find(this.fresh, touched);
  }

  #find(faults: readonly Fault[], touched: ReadonlySet<string>): Drawn | undefined {
    for (const fault of faults) {
      const target = shuffled(fault.targets, this.#random).find((one) =>
        fault.touches(one).every((what) => !touched.has(what)),
      );
      if (target === undefined) continue;
      const isFirst = this.fresh.includes(fault);
      this.fresh = this.fresh.filter((other) => other !== fault);
      return { fault, target, isFirst };
    }
    return undefined;
  }
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const rest = [...items];
  return items.flatMap(() => rest.splice(Math.floor(random() * rest.length), 1));
}
