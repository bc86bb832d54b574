import type { JetStreamManager } from '@nats-io/jetstream';
import type { DeadLetter } from './bus.ts';
import {
  deadLetterStream,
  deadLetterSubject,
  isApiError,
  Streams,
  streamDefaults,
} from './jetstream-streams.ts';
import { packFrames } from './jetstream-frames.ts';
import { Publisher } from './jetstream-publisher.ts';
import { NatsLink, type NatsOptions } from './nats-link.ts';

const listedMax = 10_000;
const reasonCharsMax = 2_000;
const streamNotFound = 10_059;
const noMessageFound = 10_037;

type Kept = { readonly sequence: number; readonly letter: DeadLetter };

/** What was set aside, in a stream of its own: a subject per queue, the oldest make room. */
export class DeadLetters {
  readonly #streams: Streams;
  readonly #publisher: Publisher;

  constructor(streams: Streams, publisher: Publisher) {
    this.#streams = streams;
    this.#publisher = publisher;
  }

  async add({ queue, message, reason, at }: DeadLetter): Promise<void> {
    const letter: DeadLetter = { queue, message, reason: reason.slice(0, reasonCharsMax), at };
    const subject = deadLetterSubject(queue);
    await this.#publisher.put(
      subject,
      JSON.stringify(letter),
      () => this.#streams.ensureDeadLetters(),
      queue,
    );
  }

  /** Oldest first; all queues when none is named. */
  async list(queueName = '>'): Promise<readonly DeadLetter[]> {
    return (await this.#kept(queueName)).map(({ letter }) => letter);
  }

  /** Puts them back on their queue, then forgets them: a crash in between delivers some twice, and loses none. */
  async replay(queueName: string): Promise<number> {
    const kept = await this.#kept(queueName);
    const last = kept.at(-1);
    if (!last) return 0;
    const parcels = kept.map(({ letter: { message } }) => ({ message, deliveries: 1, failures: 0 }));
    await this.#publisher.sendAll(queueName, packFrames(queueName, parcels));
    await this.#streams.manager.streams.purge(deadLetterStream, {
      filter: deadLetterSubject(queueName),
      seq: last.sequence + 1,
    });
    return kept.length;
  }

  async #kept(queueName: string): Promise<Kept[]> {
    const kept: Kept[] = [];
    for (let from = 1; kept.length < listedMax; ) {
      const next = await nextMessage(this.#streams.manager, deadLetterSubject(queueName), from);
      if (!next) break;
      const letter: unknown = next.json();
      if (isLetter(letter)) kept.push({ sequence: next.seq, letter });
      from = next.seq + 1;
    }
    return kept;
  }
}

async function nextMessage(manager: JetStreamManager, subject: string, from: number) {
  try {
    // The client's types know this question for another kind of stream only; the server answers it for all.
    const query: { seq: number } = Object.assign({ seq: from }, { next_by_subj: subject });
    return await manager.streams.getMessage(deadLetterStream, query);
  } catch (error) {
    if (isApiError(error, streamNotFound) || isApiError(error, noMessageFound)) return null;
    throw error;
  }
}

const isLetter = (value: unknown): value is DeadLetter =>
  typeof value === 'object' && value !== null && 'queue' in value && 'message' in value && 'reason' in value;

/** For tools: the dead letters of a server, given only how to reach it. */
export async function deadLettersAt<T>(
  options: NatsOptions,
  work: (deadLetters: DeadLetters) => Promise<T>,
): Promise<T> {
  const link = await NatsLink.connect(options);
  try {
    const streams = await Streams.of(link.connection, streamDefaults);
    return await work(new DeadLetters(streams, new Publisher(link, streams, toolMsMax)));
  } finally {
    await link.close();
  }
}

const toolMsMax = 10_000;
