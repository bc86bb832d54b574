import type { Arena } from '../../support/arena.ts';
import { backAgain } from '../../support/replicas.ts';

type Environment = Readonly<Record<string, string>>;

export const replicasOfService = (arena: Arena, service: string): string[] =>
  arena.replicas.filter((one) => one.service === service).map(({ name }) => name);

/** Ends a replica in order, or as a crash would, and starts it with this added to its environment; resolves when it is ready. */
export async function restartWith(
  arena: Arena,
  name: string,
  environment: Environment | undefined,
  how: 'in order' | 'by SIGKILL' = 'in order',
): Promise<void> {
  const replica = arena.replica(name);
  const before = replica.pid();
  if (environment) arena.extraEnvironment.set(name, environment);
  else arena.extraEnvironment.delete(name);
  if (how === 'by SIGKILL' && before > 0) process.kill(before, 'SIGKILL');
  else {
    const keeper = arena.cluster.keepers.get(name);
    await keeper?.stop();
    keeper?.start();
  }
  await backAgain(replica, before);
}

/** Every replica of a service, one after the other: the service is there meanwhile. */
export async function rollService(
  arena: Arena,
  service: string,
  environment: Environment | undefined,
): Promise<void> {
  for (const name of replicasOfService(arena, service)) await restartWith(arena, name, environment);
}
