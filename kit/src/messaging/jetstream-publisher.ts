import type { Msg } from '@nats-io/transport-node';
import { QueueFull } from './bus.ts';
import { streamOf, type Streams } from './jetstream-streams.ts';
import { pause, type NatsLink } from './nats-link.ts';
import { Slots } from './slots.ts';
import { steadyNow } from '../service/steady-clock.ts';

const unconfirmedMax = 128;
const attemptMsMax = 2_000;
const againFirstMs = 20;
const againMaxMs = 500;

/** Whether trying again is of no use. */
class Refused extends Error {
  override name = 'Refused';
}

/**
 * Hands frames to the server and waits until it says it has them. No frame carries a message id: an attempt whose answer is
 * lost is repeated and may arrive twice, which the protocol allows; an id given twice would lose one silently.
 */
export class Publisher {
  readonly #link: NatsLink;
  readonly #streams: Streams;
  readonly #withinMs: number;
  readonly #slots = new Slots(unconfirmedMax);

  constructor(link: NatsLink, streams: Streams, withinMs: number) {
    this.#link = link;
    this.#streams = streams;
    this.#withinMs = withinMs;
  }

  /** All of them, at the same time. Throws `QueueFull` only when none was taken. */
  async sendAll(queueName: string, frames: readonly string[]): Promise<void> {
    const [only, ...more] = frames;
    if (only === undefined) return;
    if (more.length === 0) return this.send(queueName, only);
    const results = await Promise.allSettled(frames.map((frame) => this.send(queueName, frame)));
    const faults = results.flatMap((result): unknown[] =>
      result.status === 'rejected' ? [result.reason] : [],
    );
    if (faults.length === 0) return;
    const fault = faults.find((one) => !(one instanceof QueueFull)) ?? faults[0];
    if (fault instanceof QueueFull && faults.length < frames.length)
      throw new Error(`The queue ${queueName} took a part of the messages and was full then.`, {
        cause: fault,
      });
    throw fault;
  }

  send(queueName: string, frame: string): Promise<void> {
    return this.put(queueName, frame, () => this.#streams.ensure(streamOf(queueName)), queueName);
  }

  /** Hands over one NATS message; `make` is called when no stream takes its subject. */
  put(subject: string, payload: string, make: () => Promise<unknown>, queueName: string): Promise<void> {
    const giveUpAt = steadyNow() + this.#withinMs;
    return this.#slots.use(
      () => this.#repeat(subject, payload, make, queueName, giveUpAt),
      this.#withinMs,
      `The message broker confirms too slowly: nothing was sent to the queue ${queueName}.`,
    );
  }

  async #repeat(
    subject: string,
    payload: string,
    make: () => Promise<unknown>,
    queueName: string,
    giveUpAt: number,
  ): Promise<void> {
    for (let againMs = againFirstMs; ; againMs = Math.min(againMaxMs, againMs * 2)) {
      const leftMs = giveUpAt - steadyNow();
      try {
        const answer = await this.#link.request(
          subject,
          payload,
          Math.max(1, Math.min(leftMs, attemptMsMax)),
        );
        confirm(queueName, answer);
        return;
      } catch (error) {
        const isFinal = error instanceof QueueFull || error instanceof Refused || isDenied(error);
        if (isFinal || leftMs <= againMs) throw inWords(queueName, error);
        if (isUnheard(error)) await this.#make(make, queueName);
        await pause(againMs);
      }
    }
  }

  async #make(make: () => Promise<unknown>, queueName: string): Promise<void> {
    try {
      await make();
    } catch (error) {
      // Its owner will; until then the sender is told, and comes again in its own time.
      if (isDenied(error))
        throw new Refused(`There is no stream for the queue ${queueName}, and this user may not make it.`, {
          cause: error,
        });
      // The server may just be starting.
    }
  }
}

type PubAnswer = { readonly error?: { readonly err_code?: number; readonly description?: string } };

/** Throws when the server did not take it. */
function confirm(queueName: string, answer: Msg): void {
  const { error } = answer.json<PubAnswer>();
  if (!error) return;
  const { description = 'no reason was given' } = error;
  if (/^(maximum (messages|bytes)|insufficient resources|resource limits exceeded)/i.test(description))
    throw new QueueFull(queueName);
  throw new Error(`The message broker did not take a frame for the queue ${queueName}: ${description}.`);
}

function* causesOf(error: unknown): Generator<Error> {
  for (let one = error; one instanceof Error; one = one.cause) yield one;
}

/** Nobody listens to the subject: there is no such stream, or JetStream is not up yet. */
export const isUnheard = (error: unknown): boolean =>
  [...causesOf(error)].some(({ name }) => name === 'NoResponders' || name === 'JetStreamNotEnabled');

/** The server's permissions forbid it to this user. */
export const isDenied = (error: unknown): boolean =>
  [...causesOf(error)].some(({ name }) => name === 'PermissionViolationError');

function inWords(queueName: string, error: unknown): unknown {
  if (error instanceof QueueFull || error instanceof Refused) return error;
  const why = isDenied(error)
    ? `This user may not publish to the queue ${queueName}.`
    : `Publishing to the queue ${queueName} failed.`;
  return new Error(why, { cause: error });
}
