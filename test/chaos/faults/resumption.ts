import { services } from '@tutti/cluster/topology';
import { until } from '@tutti/kit/testing';
import type { Arena } from '../../support/arena.ts';
import { backAgain, runningPid } from '../../support/replicas.ts';
import type { Fault, Scene } from '../fault.ts';

const sagasWanted = 10_000;
const calmMs = 3_000;
/** What was reached by then is told; too few sagas fail the run. */
const runMsMax = 150_000;
const endedMsMax = 120_000;

const sagasIn = async (arena: Arena): Promise<number> =>
  (await arena.query<{ n: number }>('orchestrator', 'select count(*) as n from saga'))[0]?.n ?? 0;

/** By the database's clock, which also says when a saga ended. */
const now = async (arena: Arena): Promise<Date> => {
  const [row] = await arena.query<{ at: Date }>('orchestrator', 'select clock_timestamp() as at');
  if (!row) throw new Error('The database has no time.');
  return row.at;
};

type Death = { readonly name: string; readonly at: Date };

/** Replicas of all services in turn, one after the other; each is back before it dies again. */
async function killInTurn({ arena, count, pause }: Scene, isOver: () => boolean): Promise<Death[]> {
  const deaths: Death[] = [];
  const names = [1, 2].flatMap((number) => services.map((service) => `${service}-${number}`));
  const coming = new Map<string, Promise<void>>();
  for (let turn = 0; !isOver(); turn++) {
    const name = names[turn % names.length] ?? '';
    await coming.get(name);
    const replica = arena.replica(name);
    const pid = await runningPid(replica);
    deaths.push({ name, at: await now(arena) });
    process.kill(pid, 'SIGKILL');
    count('a replica was killed in the background');
    coming.set(name, backAgain(replica, pid));
    await pause(calmMs);
  }
  await Promise.all(coming.values());
  return deaths;
}

/** Milliseconds from a death to the end of each saga that was open then; and of those that changed hands for it. */
async function waitsAfter(arena: Arena, { at }: Death): Promise<{ all: number[]; takenOver: number[] }> {
  const rows = await arena.query<{ ms: number; epoch: number }>(
    'orchestrator',
    `select extract(epoch from ended_at - $1::timestamptz)::float8 * 1000 as ms, epoch from saga
     where created_at <= $1::timestamptz and ended_at > $1::timestamptz`,
    [at],
  );
  const ms = (some: typeof rows) => some.map((row) => row.ms);
  return { all: ms(rows), takenOver: ms(rows.filter(({ epoch }) => epoch > 1)) };
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
}

/** Figures are told as counts are: in the list that a run prints. */
function tell({ count }: Scene, what: string, values: readonly number[]): void {
  count(`${what}: how many`, values.length);
  for (const share of [0.5, 0.99, 1])
    count(`${what}: ms, ${share === 1 ? 'longest' : `p${share * 100}`}`, percentile(values, share));
}

export const resumption: Fault = {
  name: 'resumption',
  promise: 'What a replica that is killed leaves undone is ended by others within seconds.',
  targets: ['cluster'],
  evidence: ['a replica was killed in the background', 'all the sagas that were wanted'],
  touches: () => ['everything'],
  seconds: { alone: 0, chaos: 0 },
  strike: async (scene) => {
    const { arena } = scene;
    const giveUpAt = Date.now() + runMsMax;
    let ended = 0;
    let isOver = false;
    const counting = (async () => {
      while (!isOver) {
        await scene.pause(500);
        ended = await sagasIn(arena);
        isOver ||= ended >= sagasWanted || Date.now() > giveUpAt;
      }
    })();
    const killing = killInTurn(scene, () => isOver).finally(() => (isOver = true));
    const [deaths] = await Promise.all([killing, counting]);
    const open = `select count(*) as n from saga where ended_at is null and created_at <= $1::timestamptz`;
    const last = deaths.at(-1)?.at;
    const isAllEnded = async () =>
      (await arena.query<{ n: number }>('orchestrator', open, [last]))[0]?.n === 0;
    await until('what was open at the last death has ended', isAllEnded, endedMsMax);
    const waits = await Promise.all(deaths.map((death) => waitsAfter(arena, death)));
    tell(
      scene,
      'to the end of a saga that was open',
      waits.flatMap(({ all }) => all),
    );
    tell(
      scene,
      'to the end of a saga that was taken over',
      waits.flatMap(({ takenOver }) => takenOver),
    );
    tell(
      scene,
      'to the end of the last saga that was open at a death',
      waits.map(({ all }) => Math.max(0, ...all)),
    );
    tell(scene, 'of a request', scene.crowd.latenciesMs);
    scene.count('sagas', ended);
    if (ended >= sagasWanted) scene.count('all the sagas that were wanted');
    return async () => {};
  },
};
