/** Whoever acts: a process of the system, or somebody outside it. What it has under way dies with it. */
export class Actor {
  readonly name: string;
  isDead = false;
  /** Until then it is stopped, as by SIGSTOP; then it goes on with what it had, and does not know. */
  frozenUntil = 0;
  /** How wrong its clock is. */
  skewMs = 0;

  constructor(name: string) {
    this.name = name;
  }
}

type Happening = { at: number; readonly order: number; readonly actor: Actor; readonly run: () => void };

/** As `setTimeout` and its like return it. */
export class Timer {
  isCancelled = false;
  readonly #time: VirtualTime;
  readonly #everyMs: number | undefined;

  constructor(time: VirtualTime, run: () => void, delayMs: number, repeats: boolean) {
    this.#time = time;
    this.#everyMs = repeats ? delayMs : undefined;
    this.#arm(time.current, run, delayMs);
  }

  #arm(actor: Actor, run: () => void, delayMs: number): void {
    this.#time.later(delayMs, actor, () => {
      if (this.isCancelled) return;
      if (this.#everyMs !== undefined) this.#arm(actor, run, this.#everyMs);
      run();
    });
  }

  unref(): this {
    return this;
  }

  ref(): this {
    return this;
  }
}

const real = { setImmediate: globalThis.setImmediate };

/** Every microtask runs before the next macrotask: when this resolves, whatever promises could do has been done. */
const allPromisesDone = (): Promise<void> => new Promise((done) => real.setImmediate(done));

/**
 * The only clock of a simulated world, and the order in which everything in it happens. While it is installed, the timers,
 * `Date.now` and `Math.random` of JavaScript are its own: nothing real gets in, whichever code asks.
 */
export class VirtualTime {
  now = Date.UTC(2026, 10, 1, 11);
  /** Whose code runs. All that it begins is its own: a timer that it sets is gone when it dies. */
  current = new Actor('nobody');
  happened = 0;
  #heap: Happening[] = [];
  #orders = 0;

  /** Something happens to, or by, this actor; never if it is dead by then, and later if it is frozen. */
  later(delayMs: number, actor: Actor, run: () => void): void {
    this.#push({ at: this.now + Math.max(0, Math.round(delayMs)), order: this.#orders++, actor, run });
  }

  /** One happening after the other, each with all that its promises bring, until then or until nothing is left to do. */
  async pass(untilMs: number, isOver: () => boolean): Promise<void> {
    for (let next = this.#heap[0]; next && next.at <= untilMs; next = this.#heap[0]) {
      this.#pop();
      const { actor } = next;
      if (actor.isDead) continue;
      if (actor.frozenUntil > next.at) {
        this.#push({ ...next, at: actor.frozenUntil });
        continue;
      }
      this.now = next.at;
      this.current = actor;
      this.happened++;
      next.run();
      await allPromisesDone();
      if (isOver()) return;
    }
  }

  /** Returns what gives the real ones back. */
  install(random: () => number): () => void {
    const { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate } = globalThis;
    const [{ now }, { random: realRandom }] = [Date, Math];
    const cancel = (timer: unknown): void => {
      if (timer instanceof Timer) timer.isCancelled = true;
    };
    type Run = (...args: unknown[]) => void;
    const timer =
      (repeats: boolean, leastMs: number) =>
      (run: Run, delayMs = 0, ...args: unknown[]) =>
        new Timer(this, () => run(...args), Math.max(leastMs, delayMs), repeats);
    Object.assign(globalThis, {
      setTimeout: timer(false, 1),
      setInterval: timer(true, 1),
      setImmediate: (run: Run, ...args: unknown[]) => new Timer(this, () => run(...args), 0, false),
      clearTimeout: cancel,
      clearInterval: cancel,
      clearImmediate: cancel,
    });
    Object.assign(Date, { now: () => this.now + this.current.skewMs });
    // The steady clock of a process (kit/src/service/steady-clock.ts): nothing sets it.
    Object.defineProperties(performance, {
      now: { value: () => this.now, configurable: true },
      timeOrigin: { value: 0, configurable: true },
    });
    Object.assign(Math, { random });
    return () => {
      Object.assign(globalThis, {
        setTimeout,
        setInterval,
        setImmediate,
        clearTimeout,
        clearInterval,
        clearImmediate,
      });
      Object.assign(Date, { now });
      // The real ones are the prototype's.
      Reflect.deleteProperty(performance, 'now');
      Reflect.deleteProperty(performance, 'timeOrigin');
      Object.assign(Math, { random: realRandom });
    };
  }

  // ── a heap by time, then by the order in which things were begun ──────────────────────────────────────────────────

  #push(happening: Happening): void {
    const heap = this.#heap;
    let at = heap.push(happening) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (!parent || !isBefore(happening, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = happening;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      const [left, right] = [heap[below], heap[below + 1]];
      if (!left) break;
      if (right && isBefore(right, left)) below++;
      const child = heap[below];
      if (!child || !isBefore(child, last)) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
  }
}

const isBefore = (a: Happening, b: Happening): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
