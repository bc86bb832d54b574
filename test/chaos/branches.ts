import type { Scene } from './fault.ts';

/** What a run with faults has to have come through, beside the faults themselves: else it proves little. */
export const branches = [
  'a saga succeeded',
  'a saga was refused',
  'a payment was undone',
  'a saga was taken over',
  'a cancellation returned points',
  'a fan was told 202 or 504 and asked again',
  'a fan was told 503 and asked again',
  'a connection broke under a fan',
] as const;

/** Counts them from what the databases and the clients remember. */
export async function countBranches({ arena, crowd, count }: Scene): Promise<void> {
  const one = async (database: 'orchestrator' | 'payment', sql: string): Promise<number> =>
    (await arena.query<{ n: number }>(database, sql))[0]?.n ?? 0;
  const sagas = (where: string) => one('orchestrator', `select count(*) as n from saga where ${where}`);
  count('a saga succeeded', await sagas(`status = 'succeeded'`));
  count('a saga was refused', await sagas(`status = 'failed'`));
  count('a payment was undone', await sagas(`status = 'failed' and steps::text like '%undone%'`));
  count('a saga was taken over', await sagas('epoch > 1'));
  const returned = `select count(*) as n from entry where type = 'return'`;
  count('a cancellation returned points', await one('payment', returned));
  const told = (statuses: RegExp) => crowd.unserved.filter((line) => statuses.test(line)).length;
  count('a fan was told 202 or 504 and asked again', told(/^504/) + crowd.postponed);
  count('a fan was told 503 and asked again', told(/^503/));
  count('a connection broke under a fan', told(/^0/));
}
