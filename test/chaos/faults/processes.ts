import type { Fault } from '../fault.ts';

/** A first fault, until the others come. */
export const killed: Fault = {
  name: 'a replica is killed',
  promise: 'others go on; what it had begun is ended by others or by its successor',
  targets: ['user', 'concert', 'payment', 'partner', 'orchestrator', 'gateway'].flatMap((service) => [
    `${service}-1`,
    `${service}-2`,
  ]),
  evidence: ['a replica was killed'],
  touches: (target) => [target],
  seconds: { alone: 3, chaos: 3 },
  strike: async ({ arena, count }, target) => {
    const replica = arena.replica(target);
    const pid = replica.pid();
    if (pid > 0) process.kill(pid, 'SIGKILL');
    count('a replica was killed');
    return async () => {};
  },
};
