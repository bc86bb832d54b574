import { Fifo } from './fifo.ts';

type Waiter = { readonly go: () => void; isGone: boolean };

/** So many at the same time; whoever comes later waits its turn, but not for ever. */
export class Slots {
  #free: number;
  readonly #waiting = new Fifo<Waiter>();

  constructor(count: number) {
    this.#free = count;
  }

  /** Throws with `refusal` when there was no turn within `withinMs`; the work was not begun then. */
  async use<T>(work: () => Promise<T>, withinMs: number, refusal: string): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await this.#turn(withinMs, refusal);
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  #turn(withinMs: number, refusal: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        isGone: false,
        go: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      const timer = setTimeout(() => {
        waiter.isGone = true;
        reject(new Error(refusal));
      }, withinMs);
      this.#waiting.push(waiter);
    });
  }

  #leave(): void {
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      if (next.isGone) continue;
      next.go();
      return;
    }
    this.#free++;
  }
}
