import { nextPollMs, type Phase } from '@tutti/contracts/line';

/** What a client needs of the public document. */
export type LineDocument = {
  readonly phase: Phase;
  readonly serving: number;
  readonly pacePerSecond: number;
  readonly pollAfterSeconds: number;
};

export const tickMs = 50;
/** Longer than any client is silent, in ticks. */
const ticksMax = 200_000 / tickMs;

/**
 * Fans who wait, each by the rule of the real client: on a clock that the caller moves. Those whose turn has come leave, and
 * as many join at the end: the crowd stays as large as it is.
 */
export class WaitingCrowd {
  readonly #numbers: Float64Array;
  readonly #ring: number[][] = Array.from({ length: ticksMax }, () => []);
  readonly #random: () => number;
  #tick = 0;
  #issued: number;

  /** Starts as if all had been waiting for a while: each is somewhere between two of their requests. */
  constructor(fans: number, document: LineDocument, random: () => number) {
    this.#random = random;
    this.#numbers = Float64Array.from({ length: fans }, (_, fan) => document.serving + fan + 1);
    this.#issued = document.serving + fans;
    for (let fan = 0; fan < fans; fan++)
      this.#ring[this.#tickIn(this.#wait(fan, document) * random())]?.push(fan);
  }

  get nowMs(): number {
    return this.#tick * tickMs;
  }

  /** Moves the clock on by a tick: the fans who ask in it. Each has to be told what they read, or never asks again. */
  next(): readonly number[] {
    this.#tick++;
    const at = this.#tick % ticksMax;
    const due = this.#ring[at] ?? [];
    this.#ring[at] = [];
    return due;
  }

  reads(fan: number, document: LineDocument): void {
    if ((this.#numbers[fan] ?? 0) <= document.serving) this.#numbers[fan] = ++this.#issued;
    this.#ring[this.#tickIn(this.#wait(fan, document))]?.push(fan);
  }

  #wait(fan: number, { serving, ...rest }: LineDocument): number {
    const ms = nextPollMs({ ...rest, ahead: (this.#numbers[fan] ?? 0) - serving }, this.#random);
    if (ms === undefined) throw new Error('The sale was closed while the crowd was waiting.');
    return ms;
  }

  #tickIn = (ms: number): number => (this.#tick + Math.max(1, Math.ceil(ms / tickMs))) % ticksMax;
}
