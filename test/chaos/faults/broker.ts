import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { deadLettersAt } from '@tutti/kit/jetstream';
import type { DeadLetter } from '@tutti/kit/messaging';
import { until } from '@tutti/kit/testing';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { field } from '../../support/client.ts';
import type { Arena } from '../../support/arena.ts';

const apiMs = 10_000;
/** The broker is stopped for a minute at most. */
const outageMsMax = 120_000;

const urlOf = (arena: Arena): string =>
  String(field(JSON.parse(readFileSync(path.join(arena.dataDir, 'cluster.json'), 'utf8')), 'natsUrl'));

/** The message broker as an operator reaches it, or somebody who has no business there. */
export class Broker {
  readonly #connection: NatsConnection;
  readonly #manager: JetStreamManager;

  private constructor(connection: NatsConnection, manager: JetStreamManager) {
    this.#connection = connection;
    this.#manager = manager;
  }

  static async of(arena: Arena): Promise<Broker> {
    const { host, username: user, password: pass } = new URL(urlOf(arena));
    const connection = await connect({ servers: host, user, pass, maxReconnectAttempts: -1 });
    return new Broker(connection, await jetstreamManager(connection, { timeout: apiMs }));
  }

  /** The broker may be what another fault has broken just then. */
  static async deadLetters(arena: Arena): Promise<readonly DeadLetter[]> {
    let letters: readonly DeadLetter[] | undefined;
    const read = () =>
      deadLettersAt({ servers: urlOf(arena), name: 'test' }, (aside) => aside.list()).catch(() => undefined);
    const isRead = async () => (letters = await read()) !== undefined;
    await until('what was set aside can be read', isRead, outageMsMax);
    return letters ?? [];
  }

  /** Puts bytes into a queue, whatever they are; resolves when they are there. */
  async put(queueName: string, payload: string): Promise<void> {
    const taken = await this.#connection.request(queueName, payload, { timeout: apiMs });
    const { error } = taken.json<{ error?: { description?: string } }>();
    if (error) throw new Error(`${queueName} did not take it: ${error.description ?? ''}`);
  }

  /** Queues of a stream that somebody serves, and how many frames each has not taken or not acknowledged. */
  async queues(stream: string): Promise<{ name: string; waiting: number }[]> {
    const consumers = await this.#manager.consumers.list(stream).next();
    return consumers.map(({ name, num_pending, num_ack_pending }) => ({
      name: name.replaceAll('_', '.'),
      waiting: num_pending + num_ack_pending,
    }));
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}
