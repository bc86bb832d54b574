import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../testing/conditions.ts';
import { startNats, type NatsServer } from '../testing/nats.ts';
import { queue } from './index.ts';
import { natsAuthorization, type NatsUser } from './jetstream.ts';
import { BrokerStage, watching } from './jetstream.fixture.ts';
import { isDenied } from './jetstream-publisher.ts';

const users: readonly NatsUser[] = [
  { user: 'kitchen', password: 'k "\\ $x', consumes: ['kitchen'], publishes: ['hall.commands', 'cellar.>'] },
  { user: 'hall', password: 'h', consumes: ['hall'], publishes: ['kitchen.commands'] },
  { user: 'steward', password: 's', consumes: [], publishes: [], isAdmin: true },
];
const kitchen = queue<string>('kitchen.commands');
const hall = queue<string>('hall.commands');

describe('The rights of a service on the message broker', () => {
  let server: NatsServer;
  let steward: BrokerStage;
  beforeAll(async () => {
    server = await startNats({ config: natsAuthorization(users) });
    steward = await BrokerStage.at(server.url, { user: 'steward', pass: 's' });
  });
  afterEach(async () => {
    await steward.clear();
    for (const stream of ['kitchen', 'hall']) await steward.manager.streams.delete(stream).catch(() => {});
  });
  afterAll(async () => {
    await steward.close();
    await server.stop();
  });

  const busOf = (user: string) => {
    const { password = '' } = users.find((one) => one.user === user) ?? {};
    return steward.bus({ user, password, streams: [user], publishWithinMs: 1_000 });
  };

  test('it serves its own queues and sends where it is said to', async () => {
    const [cook, waiter] = [await busOf('kitchen'), await busOf('hall')];
    const [cooked, served] = [watching(cook, kitchen), watching(waiter, hall)];
    await waiter.publish(kitchen, ['soup']);
    await cook.publish(hall, ['table four']);
    await until('both arrive', () => cooked.all().includes('soup') && served.all().includes('table four'));
  });

  test('credentials may be in the URL', async () => {
    await busOf('kitchen');
    const bus = await steward.bus({ servers: server.url.replace('nats://', 'nats://hall:h@') });
    await bus.publish(kitchen, ['soup']);
    await expect(steward.bus({ servers: server.url.replace('nats://', 'nats://hall:x@') })).rejects.toThrow(
      'does not let hall in',
    );
  });

  test('it may not send elsewhere, nor consume or delete what is another’s', async () => {
    await busOf('kitchen');
    const waiter = await busOf('hall');
    await expect(waiter.publish(queue<string>('kitchen.secrets'), ['x'])).rejects.toThrow(
      'This user may not publish to the queue kitchen.secrets.',
    );
    await waiter.publish(kitchen, ['soup']);
    const connection = await connect({
      servers: server.url,
      user: 'hall',
      pass: 'h',
      inboxPrefix: '_INBOX_hall',
    });
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: 10_000 });
    const heardFrom = async (subject: string) => {
      for await (const _ of connection.subscribe(subject)) break;
    };
    const forbidden: readonly (() => Promise<unknown>)[] = [
      () => manager.streams.delete('kitchen'),
      () => manager.streams.purge('kitchen'),
      () => manager.streams.info('kitchen'),
      () => manager.streams.getMessage('kitchen', { seq: 1 }),
      () => manager.streams.delete('dead-letters'),
      () => manager.streams.purge('dead-letters'),
      () => manager.streams.list().next(),
      () => manager.consumers.add('kitchen', { durable_name: 'thief', filter_subject: kitchen.name }),
      () => manager.consumers.delete('kitchen', 'kitchen_commands'),
      () =>
        connection.request('$JS.API.CONSUMER.MSG.NEXT.kitchen.kitchen_commands', '1', { timeout: 10_000 }),
      () => connection.request('$JS.ACK.kitchen.kitchen_commands.1.1.1.1.1', '+ACK', { timeout: 10_000 }),
      () => connection.request('dead.kitchen.commands', 'x', { timeout: 10_000 }),
      () => heardFrom('kitchen.>'),
      () => heardFrom('_INBOX_kitchen.>'),
      () => heardFrom('>'),
    ];
    const failures = await Promise.all(
      forbidden.map((attempt) =>
        attempt().then(
          () => undefined,
          (error: unknown) => error,
        ),
      ),
    );
    expect(failures.map(isDenied)).toEqual(forbidden.map(() => true));
    await connection.close();
    expect((await steward.manager.streams.info('kitchen')).state.messages).toBe(1);
  });

  test('a queue whose stream is missing and not ours to make is reported, not waited for', async () => {
    const cook = await busOf('kitchen');
    await expect(cook.publish(queue<string>('cellar.commands'), ['wine'])).rejects.toThrow(
      'There is no stream for the queue cellar.commands, and this user may not make it.',
    );
  });

  test('it sets messages aside and reads dead letters, but only an admin removes any', async () => {
    const cook = await busOf('kitchen');
    watching(cook, kitchen, (batch) => Promise.resolve(batch.map(() => ({ dead: 'burnt' }))));
    await cook.publish(kitchen, ['roast']);
    await until('it is set aside', async () => (await cook.deadLetters()).length > 0);
    await expect(cook.replayDeadLetters(kitchen.name)).rejects.toThrow();
    expect((await cook.deadLetters()).length).toBeGreaterThan(0);
  });

  test('names and passwords that would change the configuration are refused', () => {
    const one = { user: 'a', password: 'p', consumes: [], publishes: [] };
    for (const wrong of [
      { ...one, user: 'a" }' },
      { ...one, password: 'p\n' },
      { ...one, consumes: ['a.>'] },
      { ...one, publishes: ['>'] },
      { ...one, publishes: ['*.commands'] },
      { ...one, publishes: ['$JS.API.>'] },
    ])
      expect(() => natsAuthorization([wrong])).toThrow();
  });
});
