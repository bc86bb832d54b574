/**
 * The bus delivers; the databases remember. Whatever a bus promises beyond "probably, at least once, in no order" is not
 * relied upon: a lost message is asked for again by the saga that needs it, a repeated one is answered from a journal.
 */

/** A named queue and the type of what travels on it. */
export type Queue<T> = { readonly name: string; readonly _type?: T };

export const queue = <T>(name: string): Queue<T> => ({ name });

/** A message, as JSON brings it across, and how often it was delivered, this time included. Both are to be left as they are. */
export type Delivery<T> = { readonly message: T; readonly deliveries: number };

/**
 * What a handler says of one message: it is done (its effect is durable), it wants it again later, or it can never succeed
 * and is set aside as a dead letter where an operator sees it.
 */
export type Verdict = 'done' | { retryAfterMs: number } | { dead: string };

/**
 * Takes a natural batch: everything that arrived while the last batch was in flight, up to `batchMax`. Returns a verdict per
 * message, in order, or nothing when all are done. What it throws is a fault: the whole batch is delivered again. So are too
 * few verdicts, too many, and none within `ackWaitMs`; what it says after that is not listened to.
 */
export type Handler<T> = (batch: readonly Delivery<T>[]) => Promise<readonly Verdict[] | void>;

export type ConsumeOptions = {
  /** Messages per batch; a frame that holds more is handed over in parts. */
  batchMax?: number;
  /** Batches handled at the same time. */
  inFlightMax?: number;
  /** A batch not settled by then is delivered again, even if its handler is still working. */
  ackWaitMs?: number;
  /**
   * Refuse new frames above this many messages that are not done: waiting, in flight, or to be tried again. A broker that
   * does not look into frames counts each of them as one message, so it refuses later, never earlier.
   */
  waitingMax?: number;
};

export const consumeDefaults: Required<ConsumeOptions> = {
  batchMax: 512,
  inFlightMax: 1,
  ackWaitMs: 30_000,
  waitingMax: 100_000,
};

export type Consumer = {
  /** Takes no further batch; resolves when the ones in flight have settled. The rest is there for the next consumer. */
  stop(): Promise<void>;
};

export type DeadLetter = { queue: string; message: unknown; reason: string; at: number };

export type Bus = {
  /**
   * Hands one frame over. Throws `QueueFull` when the queue has no room: nothing of it was taken then. Anything else that it
   * throws says that some or all may have been taken.
   */
  publish<T>(to: Queue<T>, messages: readonly T[]): Promise<void>;
  consume<T>(from: Queue<T>, handler: Handler<T>, options?: ConsumeOptions): Consumer;
  deadLetters(): Promise<readonly DeadLetter[]>;
  /** Puts the dead letters of a queue back on it; returns how many. */
  replayDeadLetters(queueName: string): Promise<number>;
  close(): Promise<void>;
};

export class QueueFull extends Error {
  override name = 'QueueFull';
  constructor(queueName: string) {
    super(`The queue ${queueName} is full.`);
  }
}

/** Limits every implementation keeps. A longer list is sent as several frames. */
export const frameMessagesMax = 512;
/**
 * Deliveries count for these two when the handler failed the ones before; a message it asked to have later has not failed.
 * From this delivery on the messages of a batch come one by one, so that a poisonous one is found out.
 */
export const aloneFromDelivery = 3;
/** Instead of being delivered so often a message is set aside as a dead letter. */
export const deadAtDelivery = 6;
