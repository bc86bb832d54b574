import type { Consumer, Delivery, Verdict } from '../messaging/index.ts';
import { crashPoint, heldCrashPoint, steadyNow } from '../service/index.ts';
import type { Saga } from './definition.ts';
import { Doubt } from './doubt.ts';
import { LiveSagas, type Live } from './live.ts';
import {
  isStart,
  replyQueue,
  startQueue,
  type Answer,
  type ReplyMessage,
  type StartMessage,
} from './messages.ts';
import { Operations, type Operation } from './operations.ts';
import { Outgoing } from './outgoing.ts';
import { RowWriter } from './row-writer.ts';
import type { RunnerOptions } from './runner-options.ts';
import { about, RunnerTelemetry, tracedCommand } from './runner-telemetry.ts';
import { SenderClocks } from './sender-clocks.ts';
import type { Existing, NewRow, OpenRow, RowWrite } from './store.ts';
import { timeline } from './timeline.ts';
import {
  advance,
  freshState,
  isReached,
  resumedState,
  type Ending,
  type Event,
  type Transition,
} from './transition.ts';

const unanswered = { answerStatus: null, answer: null, steps: null };
const takeOverRowsMax = 500;
const unknownSagaRetryMs = 2_000;
const looksPerLease = 4;

/** Drives sagas: takes starts and replies in batches, lets the pure transition decide, sends what it says. */
export class Runner {
  readonly #options: Required<Omit<RunnerOptions, 'shares' | 'telemetry'>> & Pick<RunnerOptions, 'shares'>;
  readonly #live = new LiveSagas();
  readonly #senders = new SenderClocks();
  readonly #definitions: ReadonlyMap<string, Saga>;
  readonly #newest: ReadonlyMap<string, Saga>;
  readonly #writer: RowWriter;
  readonly #operations: Operations;
  readonly #consumers: Consumer[] = [];
  readonly #outgoing: Outgoing;
  readonly #telemetry: RunnerTelemetry;
  #ticker: NodeJS.Timeout | undefined;
  #ticking: Promise<void> = Promise.resolve();
  #nextLeaseAt = 0;
  readonly #doubt: Doubt;
  #stopping = false;

  constructor(options: RunnerOptions) {
    this.#options = {
      now: steadyNow,
      random: Math.random,
      liveMax: 4_096,
      unwrittenMax: 512,
      leaseSeconds: 5,
      tickMs: 250,
      ...options,
    };
    this.#definitions = new Map(options.definitions.map((saga) => [`${saga.name}/${saga.version}`, saga]));
    this.#newest = new Map(
      options.definitions.toSorted((a, b) => a.version - b.version).map((saga) => [saga.name, saga]),
    );
    this.#outgoing = new Outgoing(options.bus, options.log);
    this.#writer = new RowWriter(options.store, options.owner, options.log);
    this.#doubt = new Doubt(this.#options.leaseSeconds / looksPerLease);
    this.#operations = new Operations(options.store, this.#live, this.#definitions);
    const [live, unwritten] = [this.#live, () => this.#writer.waitingCount];
    this.#telemetry = new RunnerTelemetry({
      ...this.#options,
      live,
      unwritten,
      telemetry: options.telemetry,
    });
  }

  get liveCount(): number {
    return this.#live.size;
  }

  async start(): Promise<void> {
    const { bus, owner, store, leaseSeconds, alone } = this.#options;
    await store.renewLease(owner, leaseSeconds);
    this.#consumers.push(
      bus.consume(replyQueue(owner), (batch) => this.#onReplies(batch), { batchMax: 4_096 }),
    );
    await this.#takeOver(alone ? 'all' : 'orphaned');
    this.#consumers.push(bus.consume(startQueue, (batch) => this.#onStarts(batch), { batchMax: 1_024 }));
    this.#ticker = setInterval(
      () => {
        this.#ticking = this.#ticking.then(() => this.#tick());
      },
      this.#options.tickMs,
    );
  }

  /** Takes no further start, lets the live sagas end for at most `drainMs`, gives the rest to whoever comes next. */
  async stop(drainMs: number): Promise<void> {
    this.#stopping = true;
    await this.#consumers[1]?.stop();
    const giveUpAt = steadyNow() + drainMs;
    while (this.#live.size > 0 && steadyNow() < giveUpAt) await new Promise((done) => setTimeout(done, 20));
    clearInterval(this.#ticker);
    await this.#ticking;
    await this.#consumers[0]?.stop();
    await this.#writer.stop();
    await this.#options.store.endLease(this.#options.owner).catch(() => {
      // The lease ends by itself; a database that is gone must not hold the shutdown up.
    });
  }

  // ── questions ─────────────────────────────────────────────────────────────────────────────────────────────────────

  operation(id: string, fan: string): Promise<Operation | null> {
    return this.#operations.find(id, fan);
  }

  stuckOperations(most: number): Promise<Operation[]> {
    return this.#operations.stuck(most);
  }

  // ── starts ────────────────────────────────────────────────────────────────────────────────────────────────────────

  async #onStarts(batch: readonly Delivery<StartMessage>[]): Promise<Verdict[]> {
    const verdicts: Verdict[] = batch.map(() => 'done');
    const fresh: { live: Live; row: NewRow }[] = [];
    for (const [at, { message }] of batch.entries()) {
      try {
        if (!isStart(message)) throw new TypeError('It is no start.');
        const isLate = this.#senders.isLate(message, this.#options.now());
        const saga = this.#newest.get(message.name);
        const live = saga && this.#consider(message, saga, isLate);
        if (live)
          fresh.push({
            live,
            row: { ...message, version: live.saga.version, deadlineMs: live.saga.deadlineMs },
          });
        // A newer build may know it; what it came with is not kept waiting.
        if (!saga && !isLate) verdicts[at] = { retryAfterMs: unknownSagaRetryMs };
      } catch (error) {
        // Nothing was sent of it, and it would be the same the next time.
        verdicts[at] = { dead: error instanceof Error ? error.message : String(error) };
      }
    }
    await this.#outgoing.flush();
    if (fresh.length === 0) return verdicts;
    await heldCrashPoint('saga.before-store');
    try {
      const rows = fresh.map(({ row }) => row);
      const met = await this.#options.store.start(rows, this.#options.owner);
      crashPoint('saga.after-store');
      const byId = new Map(met.map(({ id, existing }) => [id, existing]));
      for (const { live, row } of fresh) {
        const existing = byId.get(live.id);
        if (existing === undefined) this.#onStored(live, row);
        else this.#onExisting(live, row, existing);
      }
    } catch (error) {
      // Nothing with an effect has left. The sender repeats its start until it is told of a stored row.
      for (const { live } of fresh) this.#drop(live);
      this.#doubt.arises();
      throw error;
    }
    await this.#outgoing.flush();
    return verdicts;
  }

  /** A start that is new to this driver becomes live, and what only reads leaves at once, while the row is being stored. */
  #consider(start: StartMessage, saga: Saga, isLate: boolean): Live | undefined {
    const { now, shares, liveMax } = this.#options;
    const known = this.#live.of(start);
    if (known) return this.#onRepeatedStart(known, start);
    if (isLate || this.#stopping) return undefined;
    if (this.#live.size >= liveMax * (shares?.[start.name] ?? 1)) {
      this.#telemetry.refuses(start.name);
      this.#outgoing.answer(start.replyTo, { ...about(start, start.id), kind: 'overloaded' });
      return undefined;
    }
    const live: Live = {
      id: start.id,
      saga,
      row: start,
      epoch: 1,
      state: freshState(saga, now()),
      stored: false,
      held: [],
      early: [],
      asked: [],
      waiting: [{ to: start.replyTo, startId: start.id }],
      trace: this.#telemetry.begins(start),
    };
    this.#apply(live, { kind: 'begin' });
    this.#live.remember(live);
    return live;
  }

  #onRepeatedStart(live: Live, start: StartMessage): undefined {
    if (!live.stored) {
      // There may never be a row: what is said of one must be true.
      live.asked.push(start);
      return undefined;
    }
    const told = about(start, live.id);
    const isOther = live.id !== start.id;
    if (isOther && live.row.fingerprint !== start.fingerprint)
      this.#outgoing.answer(start.replyTo, { ...told, kind: 'key_reused' });
    else if (live.answer)
      this.#outgoing.answer(start.replyTo, {
        ...told,
        kind: 'answer',
        answer: live.answer,
        replayed: isOther,
      });
    else if (isOther) this.#outgoing.answer(start.replyTo, { ...told, kind: 'in_flight' });
    else this.#outgoing.answer(start.replyTo, { ...told, kind: 'stored' });
    return undefined;
  }

  #onStored(live: Live, start: StartMessage): void {
    live.stored = true;
    if (start.tellStored) this.#outgoing.answer(start.replyTo, { ...about(start, live.id), kind: 'stored' });
    for (const command of live.held) this.#outgoing.command(command);
    live.held = [];
    for (const again of live.asked.splice(0)) this.#onRepeatedStart(live, again);
    for (const reply of live.early.splice(0)) this.#applyReply(live, reply);
  }

  #onExisting(live: Live, start: StartMessage, existing: Existing | null): void {
    this.#drop(live);
    if (!existing) return;
    const told = about(start, existing.id);
    const ended = existing.status === 'succeeded' || existing.status === 'failed';
    // The row of this very start, stored by a try whose answer was lost: whoever drives it will answer.
    if (existing.id === start.id && !ended) this.#outgoing.answer(start.replyTo, { ...told, kind: 'stored' });
    else if (existing.fingerprint !== start.fingerprint)
      this.#outgoing.answer(start.replyTo, { ...told, kind: 'key_reused' });
    else if (!ended) this.#outgoing.answer(start.replyTo, { ...told, kind: 'in_flight' });
    else {
      const answer = { status: existing.answerStatus ?? 500, body: existing.answer ?? '' };
      const replayed = existing.id !== start.id;
      this.#outgoing.answer(start.replyTo, { ...told, kind: 'answer', answer, replayed });
    }
  }

  // ── replies ───────────────────────────────────────────────────────────────────────────────────────────────────────

  async #onReplies(batch: readonly Delivery<ReplyMessage>[]): Promise<void> {
    for (const { message } of batch) {
      const live = this.#live.get(message.saga);
      if (!live) continue;
      if (live.stored) this.#applyReply(live, message);
      else live.early.push(message);
    }
    await this.#outgoing.flush();
  }

  #applyReply(live: Live, reply: ReplyMessage): void {
    const { step, direction, outcome } = reply;
    this.#telemetry.hears(live, reply);
    this.#apply(live, { kind: 'reply', step, direction, outcome });
  }

  #apply(live: Live, event: Event): void {
    const { saga, state, row } = live;
    const transition = advance(saga, row.input, state, event, this.#options.now());
    live.state = transition.state;
    if (event.kind === 'tick') this.#telemetry.asksAgain(live, transition.send);
    for (const { step, direction, command, body, effect } of transition.send) {
      const message = tracedCommand(live, {
        type: command,
        saga: live.id,
        step,
        direction,
        body,
        replyTo: this.#options.owner,
        traceId: row.traceId,
      });
      if (effect && !live.stored) live.held.push(message);
      else this.#outgoing.command(message);
    }
    if (transition.turn) this.#turn(live, transition.turn);
    if (transition.end) this.#end(live, transition.end);
  }

  #turn(live: Live, reason: NonNullable<Transition['turn']>): void {
    crashPoint('saga.before-turn');
    const { id, epoch } = live;
    const write: RowWrite = { id, epoch, status: 'compensating', reason, ...unanswered };
    void this.#writer.write(write, true).then((isOurs) => {
      if (!isOurs) return this.#lose(live);
      crashPoint('saga.after-turn');
      this.#apply(live, { kind: 'turned' });
      return this.#outgoing.flush();
    });
  }

  /**
   * What every driver would answer is told at once and stored behind, as long as storing keeps up; the rest after the row is ours.
   */
  #end(live: Live, ending: Ending): void {
    crashPoint('saga.before-end');
    const { id, epoch, saga, row, state } = live;
    live.ended = ending.status;
    const answer = this.#options.encode(ending, {
      name: saga.name,
      version: saga.version,
      traceId: row.traceId,
      input: row.input,
    });
    const { status: answerStatus, body, isKept } = answer;
    const isToldAtOnce =
      (isKept ?? ending.journaled) && this.#writer.waitingCount < this.#options.unwrittenMax;
    const reason = ending.status === 'failed' ? ending.reason : null;
    const answered = { answerStatus, answer: body, isKept, steps: timeline(saga, state) };
    const write: RowWrite = { id, epoch, status: ending.status, reason, ...answered };
    const written = this.#writer.write(write, !isToldAtOnce);
    if (isToldAtOnce) this.#answer(live, answer);
    void written.then((isOurs) => {
      crashPoint('saga.after-end');
      this.#live.forget(live);
      this.#telemetry.ended(live, ending, isOurs);
      if (!isOurs) this.#doubt.arises();
      if (!isOurs || isToldAtOnce) return undefined;
      this.#answer(live, answer);
      return this.#outgoing.flush();
    });
  }

  #answer(live: Live, answer: Answer): void {
    live.answer = answer;
    live.trace?.note('answered');
    const traceparent = live.trace?.traceparent ?? live.row.traceparent;
    const told = { operation: live.id, kind: 'answer', answer, replayed: false } as const;
    for (const { to, startId: id } of live.waiting)
      this.#outgoing.answer(to, traceparent === undefined ? { id, ...told } : { id, ...told, traceparent });
  }

  #drop(live: Live, isLost = false): void {
    this.#live.forget(live);
    this.#telemetry.dropped(live, isLost);
  }

  /** It was taken over: by another driver, or by this one, in a statement that was given up and came through after all. */
  #lose(live: Live): void {
    this.#drop(live, true);
    this.#doubt.arises();
  }

  // ── time ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  async #tick(): Promise<void> {
    const { now, random, store, owner, leaseSeconds, log } = this.#options;
    try {
      for (const live of this.#live.values()) {
        if (!live.stored) continue;
        this.#apply(live, { kind: 'tick', random: random() });
      }
      await this.#outgoing.flush();
      if (!isReached(this.#nextLeaseAt, now(), leaseSeconds * 1_000)) return;
      this.#nextLeaseAt = now() + (leaseSeconds * 1_000) / looksPerLease;
      await store.renewLease(owner, leaseSeconds);
      if (!this.#stopping) await this.#takeOver('orphaned');
    } catch (error) {
      log.warn({ error }, 'the saga runner could not keep its lease; it tries again');
    }
  }

  async #takeOver(which: 'orphaned' | 'all'): Promise<void> {
    const { store, owner, definitions, now } = this.#options;
    for (;;) {
      const known = this.#doubt.isThere ? this.#live.ids() : null;
      const rows = await store
        .takeOver(owner, definitions, which, takeOverRowsMax, known)
        .catch((error: unknown) => {
          this.#doubt.arises();
          throw error;
        });
      if (rows.length > 0) crashPoint('saga.after-take-over');
      for (const row of rows) this.#resume(row, now());
      await this.#outgoing.flush();
      if (rows.length < takeOverRowsMax) return this.#doubt.looked();
    }
  }

  #resume(row: OpenRow, now: number): void {
    const saga = this.#definitions.get(`${row.name}/${row.version}`);
    if (!saga) throw new Error(`There is no saga ${row.name} version ${row.version}.`);
    const state = resumedState(now + row.remainingMs, row.reason ?? undefined);
    const before = this.#live.get(row.id);
    const live: Live = {
      id: row.id,
      saga,
      row,
      epoch: row.epoch,
      state,
      stored: true,
      held: [],
      early: [],
      asked: [],
      // It may be here already under an older epoch; whoever waits, waits for the saga.
      waiting: before?.waiting ?? [],
      trace: this.#telemetry.resumes(row, before),
    };
    this.#live.remember(live);
    this.#apply(live, { kind: 'begin' });
  }
}
