import { randomFrom, until } from '@tutti/kit/testing';
import { Arena } from '../support/arena.ts';
import { Crowd } from '../support/crowd.ts';
import { drained, findLies } from '../support/lies.ts';
import { countBranches } from './branches.ts';
import type { Scene } from './fault.ts';

const seatsMost = 400;
const drainMsMax = 120_000;

export type StageOptions = {
  readonly seed: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Fans who have points for what they want, and fans who have too few, so that payments are undone. */
  readonly fans?: number;
  readonly poorFans?: number;
};

/** What a run came to. It is good when `wrong` is empty. */
export type Verdict = {
  readonly seed: number;
  readonly seconds: number;
  readonly operations: number;
  readonly drainSeconds: number;
  readonly counts: ReadonlyMap<string, number>;
  readonly wrong: readonly string[];
};

/** A cluster under load, on which faults are played and judged: load → fault → heal → drain → audit. */
export class Stage implements Scene {
  readonly arena: Arena;
  readonly crowd: Crowd;
  readonly random: () => number;
  readonly counts = new Map<string, number>();
  readonly #seed: number;
  readonly #stopping = new AbortController();
  readonly #startedAt = Date.now();

  private constructor(seed: number, arena: Arena, crowd: Crowd, random: () => number) {
    this.#seed = seed;
    this.arena = arena;
    this.crowd = crowd;
    this.random = random;
  }

  /** Resolves when fans get answers. */
  static async open({ seed, env = {}, fans = 24, poorFans = 8 }: StageOptions): Promise<Stage> {
    const random = randomFrom(seed);
    const arena = await Arena.open({ HOLD_SECONDS: '20', ...env });
    try {
      const sql = `select id from seat where performance_id = 'rehearsal-1' order by index limit ${seatsMost}`;
      const seats = await arena.query<{ id: string }>('concert', sql);
      const seatIds = seats.map(({ id }) => id);
      const crowd = new Crowd({ performanceId: 'rehearsal-1', seatIds, random, patienceMs: 180_000 });
      crowd.send(await arena.fans(fans));
      crowd.send(await arena.fans(poorFans), 100);
      const stage = new Stage(seed, arena, crowd, random);
      await stage.goesOn();
      return stage;
    } catch (error) {
      await arena.close();
      throw error;
    }
  }

  readonly count = (what: string, times = 1): void => {
    this.counts.set(what, (this.counts.get(what) ?? 0) + times);
  };

  readonly countMost = (what: string, figure: number): void => {
    this.counts.set(what, Math.max(this.counts.get(what) ?? 0, figure));
  };

  readonly pause = (ms: number): Promise<void> => {
    const { signal } = this.#stopping;
    if (signal.aborted) return Promise.resolve();
    return new Promise((done) => {
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        done();
      });
    });
  };

  /** Fans get answers: twice as many as there can be requests under way. */
  async goesOn(withinMs = 90_000): Promise<void> {
    const wanted = this.crowd.answered.length + 2 * this.crowd.size;
    await until('the crowd gets answers', () => this.crowd.answered.length >= wanted, withinMs);
  }

  /** Ends every pause: whoever is waiting goes on to its heal. */
  hurry(): void {
    this.#stopping.abort();
  }

  /** The crowd goes home, everything drains, and whatever was told is compared with what is. */
  async judge(expected: readonly string[]): Promise<Verdict> {
    const wrong: string[] = [];
    const note = (error: unknown) => wrong.push(error instanceof Error ? error.message : String(error));
    await this.crowd.stop();
    const seconds = (Date.now() - this.#startedAt) / 1_000;
    const healedAt = Date.now();
    await drained(this.arena, drainMsMax).catch(note);
    const drainSeconds = (Date.now() - healedAt) / 1_000;
    wrong.push(...this.crowd.strange);
    await findLies(this.arena, this.crowd).then((lies) => wrong.push(...lies), note);
    await countBranches(this).catch(note);
    for (const what of expected) if (!this.counts.get(what)) wrong.push(`it never happened: ${what}`);
    const operations = this.crowd.answered.length;
    return { seed: this.#seed, seconds, operations, drainSeconds, counts: this.counts, wrong };
  }

  close(): Promise<void> {
    return this.arena.close();
  }
}
