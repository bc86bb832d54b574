import { until } from '@tutti/kit/testing';
import { randomUUID } from 'node:crypto';
import type { Fault, Scene } from '../fault.ts';
import { againAndAgain } from './again-and-again.ts';
import { Broker } from './broker.ts';

const frame = (...messages: unknown[]): string => JSON.stringify({ messages });

/** An effect that each service knows, for what is wrong elsewhere in it. */
const effects: Readonly<Record<string, string>> = {
  user: 'user.find',
  concert: 'concert.mark-paid',
  payment: 'payment.deduct-points',
  partner: 'partner.deliver',
};

/** A newer build may know it: it is put off and harms nobody. */
const unknown = 'an unknown type';

type Kinds = Readonly<Record<string, (mark: string) => string>>;

const commands = (service: string): Kinds => {
  const command = (mark: string, change: object = {}) => ({
    type: effects[service],
    saga: randomUUID(),
    step: mark,
    direction: 'do',
    body: {},
    replyTo: randomUUID(),
    traceId: mark,
    ...change,
  });
  return {
    'half a JSON': (mark) => frame(command(mark)).slice(0, -20),
    'no frame': (mark) => JSON.stringify([command(mark)]),
    'no object': (mark) => frame(mark),
    'no id': (mark) => frame(command(mark, { saga: undefined, replyTo: undefined })),
    'an id that is none': (mark) =>
      frame(command(mark, { saga: mark, body: { userId: mark, reservationId: mark } })),
    'a NUL': (mark) =>
      frame(command(mark, { step: `${mark}\0`, body: { userId: '\0', reservationId: '\0' } })),
    'a wrong shape': (mark) =>
      frame(command(mark, { body: { userId: [mark], amount: {}, reservationId: 7 } })),
    'a direction that is none': (mark) =>
      frame(command(mark, { direction: 'sideways', body: { userId: mark } })),
    // Not much less than the stream takes at all, and twice as much inside of a letter.
    'half a megabyte': (mark) => mark + '"'.repeat(500_000),
    [unknown]: (mark) => frame(command(mark, { type: `${service}.dance` })),
  };
};

const starts: Kinds = (() => {
  const start = (mark: string, change: object = {}) => ({
    id: randomUUID(),
    name: 'pay-reservation',
    fan: randomUUID(),
    route: mark,
    key: mark,
    fingerprint: mark,
    input: { userId: randomUUID(), reservationId: randomUUID() },
    traceId: mark,
    sentAt: 0,
    notAfter: 1e15,
    replyTo: `gateway.answers.${randomUUID()}`,
    tellStored: false,
    ...change,
  });
  return {
    'half a JSON': (mark) => frame(start(mark)).slice(0, -20),
    'no object': (mark) => frame(mark),
    'no id': (mark) => frame(start(mark, { id: undefined })),
    'an id that is none': (mark) => frame(start(mark, { id: mark })),
    'a NUL': (mark) => frame(start(mark, { key: `${mark}\0` })),
    'no input': (mark) => frame(start(mark, { input: null })),
    [unknown]: (mark) => frame(start(mark, { name: 'dance', notAfter: 1_000 })),
  };
})();

const queues: Readonly<Record<string, { name: string; kinds: Kinds }>> = {
  ...Object.fromEntries(
    Object.keys(effects).map((service) => [
      service,
      { name: `${service}.commands`, kinds: commands(service) },
    ]),
  ),
  orchestrator: { name: 'sagas.start', kinds: starts },
};

/** As long as the retries of the slowest kind take, and some. */
const setAsideMsMax = 150_000;

async function strike(scene: Scene, target: string): Promise<() => Promise<void>> {
  const { arena, crowd, count } = scene;
  const broker = await Broker.of(arena);
  const { name, kinds } = queues[target] ?? { name: '', kinds: {} };
  const put = new Map<string, string>();
  const before = crowd.answered.length;
  const stop = againAndAgain(scene, async (rest) => {
    for (const [kind, make] of Object.entries(kinds)) {
      const mark = `poison-${randomUUID()}`;
      await broker.put(name, make(mark));
      if (kind !== unknown) put.set(mark, kind);
      count('a poisonous message was put into a queue');
    }
    await rest(2_000);
  });
  return async () => {
    await stop();
    count('answers beside poison', crowd.answered.length - before);
    const missing = async () => {
      const letters = (await Broker.deadLetters(arena)).map((letter) => JSON.stringify(letter));
      return [...put].filter(([mark]) => !letters.some((letter) => letter.includes(mark)));
    };
    let left = [...put];
    const isAllAside = async () => (left = await missing()).length === 0;
    await until('poison is set aside', isAllAside, setAsideMsMax).catch(() => {
      const whats = [...new Set(left.map(([, kind]) => kind))].join(', ');
      throw new Error(`not set aside: ${left.length} of ${put.size} (${whats})`);
    });
    const letters = await Broker.deadLetters(arena);
    count('a poisonous message was set aside', put.size);
    // Of this queue: what else is broken just then may set aside what it pleases elsewhere.
    const innocent = letters.filter(
      (letter) => letter.queue === name && !JSON.stringify(letter).includes('poison-'),
    );
    await broker.close();
    count('innocent messages set aside', innocent.length);
    const [example] = innocent;
    if (example) throw new Error(`set aside with the poison: ${JSON.stringify(example).slice(0, 500)}`);
  };
}

export const poison: Fault = {
  name: 'poisonous messages',
  promise:
    'each is set aside where operators see it (a type that a newer build may know is put off); what came with it is not, and everything else flows',
  targets: Object.keys(queues),
  evidence: [
    'a poisonous message was put into a queue',
    'a poisonous message was set aside',
    'answers beside poison',
  ],
  // What the broker forgets cannot be set aside.
  touches: () => ['nats-server'],
  seconds: { alone: 20, chaos: 5 },
  isLong: true,
  strike,
};
