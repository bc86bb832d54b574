import { nameOf, services } from '@tutti/cluster/topology';
import { until } from '@tutti/kit/testing';
import type { Arena } from '../../support/arena.ts';
import type { Passage } from '../../support/passage.ts';
import { isReady } from '../../support/replicas.ts';
import type { Fault } from '../fault.ts';
import { namespaceFault } from './namespaces.ts';

const namesOf = (target: string): string[] =>
  services.flatMap((service) =>
    [1, 2]
      .map((number) => nameOf({ service, number }))
      .filter((name) => target === service || target === name),
  );

type Direction = 'out' | 'in';

/** Nothing that it sends arrives, nothing that is sent to it, or neither; connections stay open and nobody is told. */
function cutOff(arena: Arena, name: string, directions: readonly Direction[]): Passage[] {
  const [own, others] = [arena.passagesFrom(name), arena.passagesTo(name)];
  for (const direction of directions) {
    for (const passage of own) passage.cut(direction === 'out' ? 'there' : 'back');
    for (const passage of others) passage.cut(direction === 'out' ? 'back' : 'there');
  }
  return [...own, ...others];
}

const swallowed = (passages: readonly Passage[]): number =>
  passages.reduce((sum, { counts }) => sum + counts.swallowedBytes, 0);

const cut = (name: string, promise: string, directions: readonly Direction[]): Fault => ({
  name,
  promise,
  // A whole service, or one of its replicas.
  targets: services.flatMap((service) => [service, ...namesOf(service)]),
  evidence: [`bytes were swallowed: ${name}`, 'a replica that was out of reach said so'],
  touches: (target) => ['a network cut', ...namesOf(target).flatMap((one) => [one, `the ways of ${one}`])],
  seconds: { alone: 15, chaos: 6 },
  strike: async ({ arena, count }, target) => {
    const names = namesOf(target);
    const passages = names.flatMap((one) => cutOff(arena, one, directions));
    const before = swallowed(passages);
    const replicas = names.map((one) => arena.replica(one));
    for (const replica of replicas) {
      // A gateway stays in: what is behind it is behind all of them.
      if (replica.service !== 'gateway')
        await until(`${replica.name} says that it is not ready`, async () => !(await isReady(replica)));
      count('a replica that was out of reach said so');
    }
    return async () => {
      count(`bytes were swallowed: ${name}`, swallowed(passages) - before);
      for (const passage of passages) passage.heal();
      for (const replica of replicas)
        await until(`${replica.name} is ready again`, () => isReady(replica), 60_000);
    };
  },
});

export const networkFaults: readonly Fault[] = [
  cut('cut off', 'The others go on without it, and it with them when it is back.', ['out', 'in']),
  cut('unheard', 'What it did and could not tell is asked of its journal, or of another that reads it.', [
    'out',
  ]),
  cut('deaf', 'It goes on telling what it knows; whoever it does not answer asks another.', ['in']),
  namespaceFault,
];
