import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  jetstreamManager,
  ReplayPolicy,
  RetentionPolicy,
  StorageType,
  type ConsumerConfig,
  type JetStreamManager,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { nanos, type NatsConnection } from '@nats-io/transport-node';
import { consumeDefaults } from './bus.ts';
import { frameBytesMax } from './jetstream-frames.ts';
import { pause } from './nats-link.ts';

export type StreamLimits = {
  /** How many servers of a cluster keep a copy. */
  readonly replicas: number;
  readonly streamBytesMax: number;
  /** What the server waits for an acknowledgement, or a word that it is still worked on. */
  readonly brokerAckWaitMs: number;
};

export const streamDefaults: StreamLimits = {
  replicas: 1,
  streamBytesMax: 256 * 1024 * 1024,
  brokerAckWaitMs: 30_000,
};

/** Every request to the server has an end. */
export const apiMsMax = 3_000;
/** Server 2.9 says that a stream or consumer is gone before it has removed its files, and goes on to remove the next one's. */
export const deletionMsMax = 250;
const hourMs = 3_600_000;
const streamFramesMax = 1_000_000;
const queueFramesMax = consumeDefaults.waitingMax;
/** For all consumers of a queue together; each holds far fewer at a time. */
const unackedFramesMax = 4_096;
/** Queues of processes that come and go are forgotten after this long without their consumer. */
const forgetAfterMs = 10 * 60_000;

export const deadLetterStream = 'dead-letters';
export const deadLetterSubject = (queueName: string): string => `dead.${queueName}`;
const deadLettersPerQueue = 1_000;
const deadLetterBytesMax = 64 * 1024 * 1024;

const uuid = /\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A queue's first word is its stream. Throws when the name cannot be a subject, or is taken. */
export function streamOf(queueName: string): string {
  if (!/^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/.test(queueName))
    throw new Error(
      `"${queueName}" cannot name a queue: words of letters, digits and hyphens, joined by dots.`,
    );
  const [stream = ''] = queueName.split('.', 1);
  if (stream === 'dead' || stream === deadLetterStream)
    throw new Error(`A queue cannot be named ${queueName}: the dead letters are there.`);
  return stream;
}

/** Names of queues hold no underscores, so no two queues share a consumer. */
export const durableOf = (queueName: string): string => queueName.replaceAll('.', '_');

/** Makes streams and consumers, as often as somebody else deletes them. */
export class Streams {
  readonly manager: JetStreamManager;
  readonly #limits: StreamLimits;
  readonly #making = new Map<string, Promise<StreamInfo>>();
  readonly #seen = new Set<string>();

  static async of(connection: NatsConnection, limits: StreamLimits): Promise<Streams> {
    // The check would ask for what a service may not ask for.
    return new Streams(await jetstreamManager(connection, { checkAPI: false, timeout: apiMsMax }), limits);
  }

  constructor(manager: JetStreamManager, limits: StreamLimits) {
    this.manager = manager;
    this.#limits = limits;
  }

  /** The stream of queues is there, with room for `waitingMax` frames on each; as it is when nothing is said of that. */
  async ensure(stream: string, waitingMax?: number): Promise<StreamInfo> {
    const info = await this.#once(stream, () => this.#queueStream(stream, waitingMax ?? queueFramesMax));
    if (waitingMax === undefined || info.config.max_msgs_per_subject === waitingMax) return info;
    // The server would make the limit true by deleting: a smaller one has to wait for an emptier stream.
    if (info.state.messages > waitingMax) return info;
    return this.manager.streams.update(stream, { max_msgs_per_subject: waitingMax });
  }

  ensureDeadLetters(): Promise<StreamInfo> {
    return this.#once(deadLetterStream, () => ({
      name: deadLetterStream,
      subjects: [deadLetterSubject('>')],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      // The oldest make room, and only those of the same queue.
      discard: DiscardPolicy.Old,
      max_msgs_per_subject: deadLettersPerQueue,
      max_bytes: deadLetterBytesMax,
      allow_direct: true,
      num_replicas: this.#limits.replicas,
    }));
  }

  /** The queue's one durable consumer is there. */
  async ensureConsumer(queueName: string): Promise<void> {
    const stream = streamOf(queueName);
    const config = this.#consumer(queueName);
    try {
      await this.manager.consumers.add(stream, config);
    } catch (error) {
      // From 2.10 on a server refuses to create what is there with other settings.
      if (!isApiError(error, consumerExists)) throw error;
      await this.manager.consumers.update(stream, durableOf(queueName), config);
    }
  }

  /** Frames of a queue that are not done. */
  async depth(queueName: string): Promise<number> {
    const info = await this.manager.consumers.info(streamOf(queueName), durableOf(queueName));
    return info.num_pending + info.num_ack_pending;
  }

  /** How many dead letters each queue has. */
  async deadLetterCounts(): Promise<ReadonlyMap<string, number>> {
    const info = await this.#find(deadLetterStream, { subjects_filter: deadLetterSubject('>') });
    const prefix = deadLetterSubject('');
    return new Map(
      Object.entries(info?.state.subjects ?? {}).map(([subject, count]) => [
        subject.slice(prefix.length),
        count,
      ]),
    );
  }

  /** Where the dead letters begin and end in their stream; `last` is before `first` when there are none. */
  async deadLetterRange(): Promise<{ first: number; last: number }> {
    const info = await this.#find(deadLetterStream);
    if (!info || info.state.messages === 0) return { first: 1, last: 0 };
    return { first: info.state.first_seq, last: info.state.last_seq };
  }

  /** Many may notice at once that a stream is missing. */
  #once(stream: string, config: () => Partial<StreamConfig> & { name: string }): Promise<StreamInfo> {
    const underWay = this.#making.get(stream);
    if (underWay) return underWay;
    const making = this.#findOrMake(config()).finally(() => this.#making.delete(stream));
    this.#making.set(stream, making);
    return making;
  }

  async #findOrMake(config: Partial<StreamConfig> & { name: string }): Promise<StreamInfo> {
    const info = (await this.#find(config.name)) ?? (await this.#make(config));
    this.#seen.add(config.name);
    return info;
  }

  async #find(stream: string, data?: { subjects_filter: string }): Promise<StreamInfo | undefined> {
    try {
      return await this.manager.streams.info(stream, data);
    } catch (error) {
      if (isApiError(error, JetStreamApiCodes.StreamNotFound)) return undefined;
      throw error;
    }
  }

  async #make(config: Partial<StreamConfig> & { name: string }): Promise<StreamInfo> {
    if (this.#seen.has(config.name)) await pause(deletionMsMax);
    try {
      return await this.manager.streams.add(config);
    } catch (error) {
      // Somebody else was faster, with other limits.
      if (!isApiError(error, streamExists)) throw error;
      return this.manager.streams.info(config.name);
    }
  }

  #queueStream(stream: string, waitingMax: number): Partial<StreamConfig> & { name: string } {
    const { replicas, streamBytesMax } = this.#limits;
    return {
      name: stream,
      subjects: [stream, `${stream}.>`],
      retention: RetentionPolicy.Workqueue,
      storage: StorageType.File,
      // A full queue refuses: what was taken is never dropped to make room.
      discard: DiscardPolicy.New,
      discard_new_per_subject: true,
      max_msgs_per_subject: waitingMax,
      max_msgs: streamFramesMax,
      max_bytes: streamBytesMax,
      max_msg_size: 2 * frameBytesMax,
      max_age: nanos(hourMs),
      // We send no message ids: what looks the same is not the same.
      duplicate_window: nanos(1_000),
      num_replicas: replicas,
    };
  }

  #consumer(queueName: string): Partial<ConsumerConfig> {
    return {
      durable_name: durableOf(queueName),
      filter_subject: queueName,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      replay_policy: ReplayPolicy.Instant,
      ack_wait: nanos(this.#limits.brokerAckWaitMs),
      max_ack_pending: unackedFramesMax,
      // We count ourselves: the server would forget a message silently.
      max_deliver: -1,
      ...(uuid.test(queueName) && { inactive_threshold: nanos(forgetAfterMs) }),
    };
  }
}

const streamExists = 10_058;
const consumerExists = 10_148;

export const isApiError = (error: unknown, code: number): boolean =>
  error instanceof JetStreamApiError && error.code === code;
