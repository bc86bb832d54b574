import type { Log } from '../service/index.ts';
import type { Bins, Counts, Reading, ServiceTelemetry, Spans } from '../telemetry/index.ts';
import type { Live, LiveSagas } from './live.ts';
import type { CommandMessage, ReplyMessage, StartMessage } from './messages.ts';
import { SagaTrace } from './saga-trace.ts';
import type { OpenRow } from './store.ts';
import type { Ending, Send } from './transition.ts';

/** So many tries in vain, and operators are told. */
export const alarmAfterAttempts = 5;
/** A saga should have ended by its deadline; after this long more it is late. */
const lateAfterMs = 10_000;

const durations = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** What the runner tells of its sagas: figures, spans and the log line of an alarm. Without telemetry only the last. */
export class RunnerTelemetry {
  readonly #live: LiveSagas;
  readonly #now: () => number;
  readonly #log: Log;
  readonly #spans: Spans | undefined;
  readonly #figures: Figures | undefined;

  constructor(options: {
    telemetry: ServiceTelemetry | undefined;
    live: LiveSagas;
    unwritten: () => number;
    now: () => number;
    log: Log;
  }) {
    const { telemetry, live, unwritten, now, log } = options;
    this.#live = live;
    this.#now = now;
    this.#log = log;
    this.#spans = telemetry?.spans;
    this.#figures = telemetry && figuresOf(telemetry);
    if (telemetry) this.#showLive(telemetry, unwritten);
  }

  // ── what happens to a saga ────────────────────────────────────────────────────────────────────────────────────────

  begins(start: StartMessage): SagaTrace | undefined {
    return SagaTrace.of(this.#spans, start);
  }

  /** `before`: what this driver itself knew of it until now. */
  resumes(row: OpenRow, before: Live | undefined): SagaTrace | undefined {
    before?.trace?.end('unknown', 'taken over');
    return SagaTrace.resumed(this.#spans, row.id, row.name, row.traceId);
  }

  refuses(name: string): void {
    if (this.#figures) this.#figures.refused.of(name).value++;
  }

  hears(live: Live, reply: ReplyMessage): void {
    live.trace?.hears(reply);
  }

  /** What was due was asked once more; whoever asks in vain for long is told of, once. */
  asksAgain({ id, saga, row, state }: Live, sends: readonly Send[]): void {
    for (const { step, direction } of sends) {
      const open = state.open.find((one) => one.step === step && one.direction === direction);
      if (!open || open.attempts < 2) continue;
      if (this.#figures) this.#figures.repeated.of(saga.name, step, direction).value++;
      if (open.attempts !== alarmAfterAttempts) continue;
      if (this.#figures) this.#figures.alarms.of(saga.name, step, direction).value++;
      const { traceId } = row;
      const { attempts } = open;
      this.#log.error(
        { saga: id, traceId, name: saga.name, step, direction, attempts },
        'a step does not answer',
      );
    }
  }

  /** It has ended and its row says so, or its row turned out to be another driver's. */
  ended(live: Live, ending: Ending, isOurs: boolean): void {
    const { saga, state, trace } = live;
    const outcome = ending.status === 'succeeded' ? ending.status : ending.reason.code;
    trace?.end(outcome, isOurs ? undefined : 'taken over');
    if (!isOurs) return this.#losesRow(live);
    if (!this.#figures) return;
    const code = ending.status === 'succeeded' ? '' : ending.reason.code;
    this.#figures.ended.of(saga.name, ending.status, code).value++;
    const seconds = (this.#now() - begunAt({ saga, state })) / 1_000;
    this.#figures.durationOf(saga.name).observe(seconds);
  }

  /** It is not this driver's after all (`isLost`: a write of it was refused), or was never stored. */
  dropped(live: Live, isLost: boolean): void {
    live.trace?.end('unknown', 'not driven here');
    if (isLost) this.#losesRow(live);
  }

  /** A write found no row that is open at its epoch: another driver has it, or had it. */
  #losesRow({ id, saga, row: { traceId }, epoch }: Live): void {
    if (this.#figures) this.#figures.stale.of(saga.name).value++;
    this.#log.info(
      { saga: id, traceId, name: saga.name, epoch },
      'a write was refused: the saga has another driver, or has ended',
    );
  }

  // ── what is true when somebody asks ───────────────────────────────────────────────────────────────────────────────

  #showLive({ meters }: ServiceTelemetry, unwritten: () => number): void {
    const saga = ['saga'];
    meters.gauge(
      { name: 'tutti_sagas_live', help: 'Sagas under way, by phase.', labels: ['saga', 'state'] },
      () => counted(this.#live, (one) => [one.saga.name, one.ended ?? one.state.phase]),
    );
    meters.gauge(
      { name: 'tutti_sagas_late', help: 'Sagas open for more than 10 s after their deadline.', labels: saga },
      () =>
        counted(this.#live, ({ saga: { name }, state }) =>
          this.#now() - state.deadlineAt > lateAfterMs ? [name] : undefined,
        ),
    );
    meters.gauge(
      { name: 'tutti_saga_oldest_seconds', help: 'Age of the oldest saga under way.', labels: saga },
      () => this.#oldest(),
    );
    meters.gauge(
      {
        name: 'tutti_saga_steps_unanswered',
        help: `Steps asked ${alarmAfterAttempts} times or more that have not answered yet.`,
        labels: ['saga', 'step'],
      },
      () =>
        counted(this.#live, (one) => {
          const open = one.state.open.find(({ attempts }) => attempts >= alarmAfterAttempts);
          return open && [one.saga.name, open.step];
        }),
    );
    meters.gauge({ name: 'tutti_saga_rows_waiting', help: 'Saga rows that wait to be written.' }, () => [
      [unwritten()],
    ]);
  }

  #oldest(): Reading[] {
    const begun = new Map<string, number>();
    for (const one of this.#live.values()) {
      const at = begunAt(one);
      begun.set(one.saga.name, Math.min(at, begun.get(one.saga.name) ?? at));
    }
    return [...begun].map(([name, at]) => [Math.max(0, this.#now() - at) / 1_000, name]);
  }
}

/** A message with the context of what causes it; the very same message when nothing is traced. */
export function tracedCommand(live: Live, message: CommandMessage): CommandMessage {
  const traceparent = live.trace ? live.trace.asks(message) : live.row.traceparent;
  return traceparent === undefined ? message : { ...message, traceparent };
}

/** What an answer to a start repeats of it. */
export const about = ({ id, traceparent }: StartMessage, operation: string) =>
  traceparent === undefined ? { id, operation } : { id, operation, traceparent };

type Figures = {
  readonly ended: Counts;
  readonly refused: Counts;
  readonly stale: Counts;
  readonly repeated: Counts;
  readonly alarms: Counts;
  readonly durationOf: (saga: string) => Bins;
};

function figuresOf({ meters }: ServiceTelemetry): Figures {
  const step = ['saga', 'step', 'direction'];
  const duration = meters.distribution(
    {
      name: 'tutti_saga_duration_seconds',
      help: 'Time from a start to its row being written.',
      labels: ['saga'],
    },
    durations,
  );
  return {
    ended: meters.counter({
      name: 'tutti_sagas_ended_total',
      help: 'Sagas that ended, by outcome; a failed one with its code.',
      labels: ['saga', 'outcome', 'code'],
    }),
    refused: meters.counter({
      name: 'tutti_sagas_refused_total',
      help: 'Starts refused because there were too many sagas.',
      labels: ['saga'],
    }),
    stale: meters.counter({
      name: 'tutti_saga_stale_writes_total',
      help: 'Writes refused because the saga has another driver by now, or has ended.',
      labels: ['saga'],
    }),
    repeated: meters.counter({
      name: 'tutti_saga_steps_repeated_total',
      help: 'Steps that were asked once more.',
      labels: step,
    }),
    alarms: meters.counter({
      name: 'tutti_saga_alarms_total',
      help: 'Steps that had not answered after several tries.',
      labels: step,
    }),
    durationOf: (saga) => duration.of(saga),
  };
}

/** By this driver's clock; of a saga taken over it is known only as far as its deadline tells. */
const begunAt = ({ saga, state }: Pick<Live, 'saga' | 'state'>): number => state.deadlineAt - saga.deadlineMs;

/** How many sagas have each label; what has none is not counted. */
function counted(live: LiveSagas, labelsOf: (one: Live) => string[] | undefined): Reading[] {
  const counts = new Map<string, [number, ...string[]]>();
  for (const one of live.values()) {
    const labels = labelsOf(one);
    if (!labels) continue;
    const count = counts.get(labels.join('\n'));
    if (count) count[0]++;
    else counts.set(labels.join('\n'), [1, ...labels]);
  }
  return [...counts.values()];
}
