import type { Bus, Consumer, Delivery, Verdict } from '../messaging/index.ts';
import { isDeterministic, repeatingConflicts, type Queryable } from '../postgres/index.ts';
import {
  commandQueue,
  isCommand,
  replyQueue,
  type CommandMessage,
  type Outcome,
  type ReplyMessage,
} from '../saga/index.ts';
import { crashPoint, heldCrashPoint, type Log } from '../service/index.ts';
import type { ServiceTelemetry } from '../telemetry/index.ts';
import { CommandSpans } from './command-spans.ts';

/** Answers commands that only read: the bodies of a batch in, an outcome for each out, in order. */
export type Reader = (bodies: readonly unknown[]) => Promise<readonly Outcome[]>;

export type ParticipantOptions = {
  readonly bus: Bus;
  /** The service's name: it obeys what comes on its command queue. */
  readonly service: string;
  /** Where the journal and the functions `lock_rows` and `decide` are. */
  readonly database: Queryable;
  /** Commands with an effect, by name: those that the service's `decide` knows. */
  readonly effects: readonly string[];
  readonly reads?: Readonly<Record<string, Reader>>;
  readonly log: Log;
  readonly batchMax?: number;
  readonly inFlightMax?: number;
  /** Called after every batch of effects that committed, with the batch. */
  readonly afterCommit?: (commands: readonly CommandMessage[]) => void;
  readonly telemetry?: ServiceTelemetry | undefined;
};

const unknownTypeRetryMs = 2_000;

/** Obeys a service's commands in natural batches: one transaction and one round trip per batch, replies after the commit. */
export class Participant {
  readonly #options: ParticipantOptions;
  readonly #effects: ReadonlySet<string>;
  readonly #reads: Readonly<Record<string, Reader>>;
  readonly #consumer: Consumer;

  constructor(options: ParticipantOptions) {
    this.#options = options;
    this.#effects = new Set(options.effects);
    this.#reads = options.reads ?? {};
    this.#consumer = options.bus.consume(commandQueue(options.service), (batch) => this.#obey(batch), {
      batchMax: options.batchMax ?? 512,
      inFlightMax: options.inFlightMax ?? 1,
    });
  }

  stop(): Promise<void> {
    return this.#consumer.stop();
  }

  async #obey(batch: readonly Delivery<CommandMessage>[]): Promise<Verdict[]> {
    const verdicts: Verdict[] = batch.map(() => 'done');
    const effects: Placed[] = [];
    const readers = new Map<string, Placed[]>();
    for (const [at, { message }] of batch.entries()) {
      if (!isCommand(message)) {
        verdicts[at] = { dead: 'It is no command.' };
        continue;
      }
      if (message.direction !== 'do') pointBefore(message.direction, this.#options.service);
      if (this.#effects.has(message.type) || message.direction === 'settle') effects.push({ at, message });
      else if (Object.hasOwn(this.#reads, message.type)) pushTo(readers, message.type, { at, message });
      // A newer build may know it: neither dropped nor answered.
      else verdicts[at] = { retryAfterMs: unknownTypeRetryMs };
    }
    const { bus, service, telemetry } = this.#options;
    const replies = new Replies(CommandSpans.of(telemetry?.spans, commandQueue(service).name, batch));
    try {
      await Promise.all([
        ...[...readers].map(([type, placed]) => this.#read(type, placed, replies)),
        this.#effect(effects, replies, verdicts),
      ]);
    } finally {
      replies.spans?.leave();
    }
    await Promise.all([...replies.byOwner].map(([to, messages]) => bus.publish(replyQueue(to), messages)));
    crashPoint('participant.after-send', service);
    return verdicts;
  }

  async #read(type: string, placed: readonly Placed[], replies: Replies): Promise<void> {
    const outcomes = await this.#reads[type]?.(placed.map(({ message }) => message.body));
    for (const [index, { message }] of placed.entries()) replies.add(message, outcomes?.[index]);
  }

  /** A (saga, step) stands once in a call: what repeats it, or undoes it, goes into the next wave. */
  async #effect(placed: readonly Placed[], replies: Replies, verdicts: Verdict[]): Promise<void> {
    for (let rest = placed; rest.length > 0; ) {
      const seen = new Set<string>();
      const [wave, later]: [Placed[], Placed[]] = [[], []];
      for (const one of rest) {
        const key = `${one.message.saga}/${one.message.step}`;
        (seen.has(key) ? later : wave).push(one);
        seen.add(key);
      }
      await this.#handle(wave, replies, verdicts);
      rest = later;
    }
  }

  async #handle(wave: readonly Placed[], replies: Replies, verdicts: Verdict[]): Promise<void> {
    const { service, database } = this.#options;
    try {
      await heldCrashPoint('participant.before-commit', service);
      const commands = wave.map(({ message }) => message);
      const outcomes = await repeatingConflicts(() => callHandle(database, commands));
      crashPoint('participant.after-commit', service);
      for (const [index, { message }] of wave.entries()) {
        if (message.direction !== 'do') pointAfter(message.direction, service);
        replies.add(message, outcomes[index]);
      }
      this.#options.afterCommit?.(commands);
    } catch (error) {
      if (!isDeterministic(error)) throw error;
      const [only] = wave;
      if (wave.length === 1 && only) {
        const { type, saga, step, direction, traceId } = only.message;
        this.#options.log.error({ error, type, saga, step, direction, traceId }, 'a command was set aside');
        replies.spans?.setAside(only.message);
        verdicts[only.at] = { dead: error instanceof Error ? error.message : String(error) };
        return;
      }
      // One bad command harms itself only: halve until it stands alone (rule 14).
      const middle = wave.length >> 1;
      await this.#handle(wave.slice(0, middle), replies, verdicts);
      await this.#handle(wave.slice(middle), replies, verdicts);
    }
  }
}

function pointBefore(direction: 'undo' | 'settle', service: string): void {
  if (direction === 'undo') crashPoint('participant.before-undo', service);
  else crashPoint('participant.before-settle', service);
}

function pointAfter(direction: 'undo' | 'settle', service: string): void {
  if (direction === 'undo') crashPoint('participant.after-undo', service);
  else crashPoint('participant.after-settle', service);
}

type Placed = { at: number; message: CommandMessage };

/** The replies of a batch, by the driver that waits for them. */
class Replies {
  readonly byOwner = new Map<string, ReplyMessage[]>();
  readonly spans: CommandSpans | undefined;

  constructor(spans: CommandSpans | undefined) {
    this.spans = spans;
  }

  add(message: CommandMessage, outcome: Outcome | undefined): void {
    if (!outcome) throw new Error(`There is no outcome for ${message.type}.`);
    const { saga, step, direction } = message;
    const reply = { saga, step, direction, outcome };
    // What is not traced here may be elsewhere: its context goes back as it came.
    const traceparent = this.spans?.answered(message, outcome) ?? message.traceparent;
    pushTo(this.byOwner, message.replyTo, traceparent === undefined ? reply : { ...reply, traceparent });
  }
}

/** One call of the journal's `handle`: outcomes in the order of the commands. */
export async function callHandle(
  database: Queryable,
  commands: readonly CommandMessage[],
): Promise<Outcome[]> {
  const batch = commands.map(({ saga, step, direction, type, body }, index) => ({
    ord: index + 1,
    saga,
    step,
    direction,
    type,
    body,
  }));
  const [row] = await database.query<{ answer: Outcome[] }>(
    'select handle($1::jsonb) as answer',
    [JSON.stringify(batch)],
    'handle',
  );
  if (!row) throw new Error('handle returned no row.');
  return row.answer;
}

function pushTo<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
