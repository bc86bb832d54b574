import type { DeadLetter } from './bus.ts';
import { deadLetterStream, deadLetterSubject, Streams, streamDefaults } from './jetstream-streams.ts';
import { frameBytesMax, packFrames } from './jetstream-frames.ts';
import { Publisher } from './jetstream-publisher.ts';
import { NatsLink, type NatsOptions } from './nats-link.ts';

const listedMax = 10_000;
const reasonCharsMax = 2_000;

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
    const kept = withoutEnd(message);
    const letter: DeadLetter = { queue, message: kept, reason: reason.slice(0, reasonCharsMax), at };
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
    const { manager } = this.#streams;
    const subject = deadLetterSubject(queueName);
    const range = await this.#streams.deadLetterRange();
    const kept: Kept[] = [];
    for (let from = range.first; from <= range.last && kept.length < listedMax; ) {
      // The stream itself is asked, not the server's API: server 2.9 dies, all of it, of a question for a message of a stream
      // that is just being made.
      const next = await manager.direct.getMessage(deadLetterStream, { seq: from, next_by_subj: subject });
      if (!next) break;
      const letter: unknown = next.json();
      if (isLetter(letter)) kept.push({ sequence: next.seq, letter });
      from = next.seq + 1;
    }
    return kept;
  }
}

/**
 * Nothing of ours is larger than a frame. What somebody else sent may be so large that the server would not take the letter
 * about it, and it would come again for ever. Its beginning says what it is.
 */
function withoutEnd(message: unknown): unknown {
  const text = JSON.stringify(message) ?? '';
  return text.length > frameBytesMax ? text.slice(0, frameBytesMax) : message;
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
