import type { Saga } from './definition.ts';
import { ToyJournal, wrongEffects } from './toy-journal.fixture.ts';
import {
  advance,
  freshState,
  resumedState,
  type Ending,
  type Event,
  type Outcome,
  type Refusal,
  type SagaState,
  type Send,
  type Transition,
} from './transition.ts';

/** Something that goes wrong, or right, between the parts of the model. `pick` chooses among what is on its way. */
export type Happening =
  | { readonly kind: 'deliver' | 'duplicate' | 'lose'; readonly pick: number }
  | { readonly kind: 'tick'; readonly ms: number; readonly driver: number }
  /** The driver's memory is gone; another takes the row over. */
  | { readonly kind: 'crash' }
  /** Another takes the row over while the driver is only slow, and goes on. */
  | { readonly kind: 'usurp' }
  /** What the participant of a step would say from now on. */
  | { readonly kind: 'changeMind'; readonly step: number };

type Driver = { readonly id: number; readonly epoch: number; state: SagaState; isAlive: boolean };
type Row = {
  status: 'running' | 'compensating' | Ending['status'];
  epoch: number;
  reason?: Refusal;
  answer?: string;
};
type Write =
  | { readonly status: 'compensating'; readonly reason: Refusal }
  | { readonly status: 'end'; readonly ending: Ending };
type OnItsWay =
  | { readonly kind: 'command'; readonly from: Driver; readonly send: Send }
  | { readonly kind: 'reply'; readonly to: Driver; readonly event: Event }
  | { readonly kind: 'write'; readonly from: Driver; readonly write: Write };

const healedRoundsMax = 40;

/** One saga with its row, its drivers, its participants and everything that is on its way between them, without a clock. */
export class Model {
  readonly journal = new ToyJournal();
  /** Broken rules, as sentences. */
  readonly wrong: string[] = [];
  readonly #saga: Saga;
  readonly #refusing: boolean[];
  readonly #row: Row = { status: 'running', epoch: 1 };
  readonly #drivers: Driver[] = [];
  readonly #bodies = new Map<string, string>();
  #told: string | undefined;
  #onItsWay: OnItsWay[] = [];
  #now = 0;

  /** `refusing`: which steps say no, in the order of the definition; those after the pivot never do. */
  constructor(saga: Saga, refusing: readonly boolean[]) {
    this.#saga = saga;
    this.#refusing = saga.steps.map((_, at) => refusing[at] ?? false);
    this.#drive(1, freshState(saga, 0));
  }

  happen(happening: Happening): void {
    switch (happening.kind) {
      case 'deliver':
      case 'duplicate':
      case 'lose':
        return this.#toOneOnItsWay(happening.kind, happening.pick);
      case 'tick':
        this.#now += happening.ms;
        return this.#tick(this.#drivers[happening.driver % this.#drivers.length]);
      case 'crash':
        for (const driver of this.#drivers) if (driver.epoch === this.#row.epoch) driver.isAlive = false;
        return this.#takeOver();
      case 'usurp':
        return this.#takeOver();
      case 'changeMind': {
        const at = happening.step % this.#refusing.length;
        this.#refusing[at] = !this.#refusing[at];
      }
    }
  }

  /** From here on everything arrives, and somebody drives. Judges the end. */
  heal(): void {
    for (let round = 0; round < healedRoundsMax && this.#isOpen(); round++) {
      this.#deliverAll();
      if (!this.#drivers.some(({ isAlive, epoch }) => isAlive && epoch === this.#row.epoch)) this.#takeOver();
      this.#now += round < 3 ? 1_500 : 40_000;
      for (const driver of this.#drivers) this.#tick(driver);
    }
    // What comes after the end must not change it.
    this.#deliverAll();
    const { status, answer } = this.#row;
    if (this.#isOpen()) this.wrong.push(`it never ended: its row says ${status}`);
    else this.wrong.push(...wrongEffects(this.#saga, this.journal, status));
    if (this.#told !== undefined && this.#told !== answer)
      this.wrong.push(`its fan was told ${this.#told}, its row says ${answer}`);
  }

  /** What kind of run this was, to see that all kinds are met. */
  kind(): string {
    const undone = this.journal.history.filter(({ direction }) => direction === 'undo').length;
    const drivers = this.#drivers.length > 1 ? 'several drivers' : 'one driver';
    return `${this.#row.status} with ${undone} undone by ${drivers}`;
  }

  #isOpen(): boolean {
    return this.#row.status === 'running' || this.#row.status === 'compensating';
  }

  // ── drivers ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #drive(epoch: number, state: SagaState): void {
    const driver = { id: this.#drivers.length, epoch, state, isAlive: true };
    this.#drivers.push(driver);
    this.#apply(driver, { kind: 'begin' });
  }

  #takeOver(): void {
    if (!this.#isOpen()) return;
    this.#row.epoch++;
    this.#drive(this.#row.epoch, resumedState(this.#saga.deadlineMs, this.#row.reason));
  }

  #tick(driver: Driver | undefined): void {
    if (driver) this.#apply(driver, { kind: 'tick', random: 0.5 });
  }

  #apply(driver: Driver, event: Event): void {
    if (!driver.isAlive) return;
    const transition = advance(this.#saga, { who: 'Mina' }, driver.state, event, this.#now);
    driver.state = transition.state;
    for (const send of transition.send) this.#send(driver, send);
    this.#write(driver, transition);
  }

  #send(from: Driver, send: Send): void {
    if (send.direction === 'undo' && (this.#row.status === 'running' || this.#row.status === 'succeeded'))
      this.wrong.push(`an undo of ${send.step} left while the row said ${this.#row.status}`);
    this.#expectSameBody(send);
    this.#onItsWay.push({ kind: 'command', from, send });
  }

  /** After the pivot and on the way back every driver must ask for the same, whatever it read before. */
  #expectSameBody({ step, direction, body }: Send): void {
    if (direction === 'do' && !step.startsWith('a')) return;
    const [key, bytes] = [`${direction} ${step}`, JSON.stringify(body)];
    if ((this.#bodies.get(key) ?? bytes) !== bytes)
      this.wrong.push(`${key} was asked for with ${this.#bodies.get(key)} and with ${bytes}`);
    this.#bodies.set(key, bytes);
  }

  #write(from: Driver, { turn, end }: Transition): void {
    if (turn) this.#onItsWay.push({ kind: 'write', from, write: { status: 'compensating', reason: turn } });
    if (!end) return;
    this.#onItsWay.push({ kind: 'write', from, write: { status: 'end', ending: end } });
    if (end.journaled) this.#tell(end);
  }

  #tell(ending: Ending): void {
    const answer = answerOf(ending);
    if (this.#told !== undefined && this.#told !== answer)
      this.wrong.push(`its fan was told ${this.#told} and then ${answer}`);
    this.#told = answer;
  }

  // ── what is on its way ────────────────────────────────────────────────────────────────────────────────────────────

  #toOneOnItsWay(what: 'deliver' | 'duplicate' | 'lose', pick: number): void {
    const at = this.#onItsWay.length === 0 ? 0 : pick % this.#onItsWay.length;
    const one = this.#onItsWay[at];
    if (!one) return;
    // A write is repeated until its fate is known; it is lost only together with the driver that waits for it.
    if (what === 'lose' && one.kind === 'write' && one.from.isAlive) return;
    if (what !== 'duplicate') this.#onItsWay.splice(at, 1);
    if (what !== 'lose') this.#arrive(one);
  }

  #deliverAll(): void {
    while (this.#onItsWay.length > 0) {
      const all = this.#onItsWay;
      this.#onItsWay = [];
      for (const one of all) this.#arrive(one);
    }
  }

  #arrive(one: OnItsWay): void {
    switch (one.kind) {
      case 'command':
        return this.#obey(one.from, one.send);
      case 'reply':
        return this.#apply(one.to, one.event);
      case 'write':
        return this.#commit(one.from, one.write);
    }
  }

  #obey(from: Driver, { step, direction, effect }: Send): void {
    const says = (): Outcome => this.#says(step);
    const outcome = effect ? this.journal.obey(step, direction, says) : says();
    this.#onItsWay.push({ kind: 'reply', to: from, event: { kind: 'reply', step, direction, outcome } });
  }

  #says(step: string): Outcome {
    const at = this.#saga.steps.findIndex(({ name }) => name === step);
    const isRefused = this.#refusing[at] && this.#saga.steps[at]?.role !== 'after';
    return isRefused ? { refused: { code: `${step}_refused`, data: {} } } : { ok: { at: this.#now } };
  }

  /** Compare-and-set: a driver whose epoch has passed finds no row, and drops its memory. */
  #commit(from: Driver, write: Write): void {
    if (!this.#isOpen() || from.epoch !== this.#row.epoch) {
      from.isAlive = false;
      return;
    }
    if (write.status === 'compensating') {
      this.#row.status = 'compensating';
      this.#row.reason = write.reason;
      return this.#apply(from, { kind: 'turned' });
    }
    this.#row.status = write.ending.status;
    this.#row.answer = answerOf(write.ending);
    if (from.isAlive && !write.ending.journaled) this.#tell(write.ending);
  }
}

/** As bytes: what is told to a fan is made of this and of nothing else. */
const answerOf = (ending: Ending): string =>
  JSON.stringify(
    ending.status === 'succeeded'
      ? [ending.status, ending.reply]
      : [ending.status, ending.reason, ending.undone],
  );
