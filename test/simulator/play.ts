import { Chance } from './chance.ts';
import { wrongAtTheEnd, wrongWhenTold } from './checks.ts';
import { climateOf } from './climate.ts';
import { Fan, type Book, type Told } from './fans.ts';
import { VirtualTime } from './virtual-time.ts';
import { World, type Plant } from './world.ts';

export type Played = {
  readonly seed: number;
  /** Of everything that happened: the same every time. */
  readonly hash: string;
  readonly wrong: readonly string[];
  readonly counts: ReadonlyMap<string, number>;
  readonly lines: readonly string[];
  readonly virtualMs: number;
  readonly happened: number;
};

/** Everything must have ended so long after nothing breaks any more. */
const drainMaxMs = 180_000;
/** What is late still arrives, and must change nothing; a statement that was given up may take so long. */
const afterwardsMs = 10_000;
const lateMaxMs = 100_000;

let isPlaying = false;

/** Plays a seed: a world with its troubles, then without, until everything has ended; then looks at what is left. */
export async function play(seed: number, plant?: Plant): Promise<Played> {
  if (isPlaying) throw new Error('One world at a time: they would share their clock.');
  isPlaying = true;
  const chance = new Chance(seed);
  const time = new VirtualTime();
  const begun = time.now;
  const climate = climateOf(chance);
  const uninstall = time.install(chance.random);
  const world = new World(time, chance, climate, plant);
  const { chronicle } = world;
  const book = bookOf(world);
  const onRejection = (error: unknown) => chronicle.accuse(`nobody heard of ${String(error)}`);
  process.on('unhandledRejection', onRejection);
  try {
    openShows(world, time.now, climate.seats);
    world.begin();
    let living = climate.fans;
    const around = { world, time, chance, climate, book, made: [] };
    for (let fan = 0; fan < climate.fans; fan++)
      time.later(chance.whole(0, 3_000), world.outside, () => {
        const ended = () => {
          living--;
        };
        new Fan(around)
          .live()
          .then(ended, (error: unknown) => chronicle.accuse(`a fan failed: ${String(error)}`));
      });
    const isOver = () => living === 0 && isDrained(world);
    await time.pass(begun + climate.troubleSeconds * 1_000, () => false);
    world.heal();
    const healedAt = time.now;
    await time.pass(healedAt + drainMaxMs, isOver);
    if (!isOver())
      chronicle.accuse(`it has not drained within ${drainMaxMs / 1_000} s: ${unrest(world, living)}`);
    await time.pass(time.now + lateMaxMs, () => world.broker.isQuiet);
    await time.pass(time.now + afterwardsMs, () => false);
    for (const wrong of wrongAtTheEnd(world, book, time.now)) chronicle.accuse(wrong);
    chronicle.tell(`ended after ${time.happened} happenings`);
  } finally {
    process.off('unhandledRejection', onRejection);
    uninstall();
    isPlaying = false;
  }
  const { wrong, counts, lines } = chronicle;
  const { happened } = time;
  return { seed, hash: chronicle.hash(), wrong, counts, lines, virtualMs: time.now - begun, happened };
}

/** What fans are told is judged as they are told. */
function bookOf({ chronicle, tables }: World): Book {
  const told: Told[] = [];
  const push = told.push.bind(told);
  told.push = (...more) => {
    for (const one of more) for (const wrong of wrongWhenTold(tables, one)) chronicle.accuse(wrong);
    return push(...more);
  };
  return { wishes: [], told, reused: [] };
}

function openShows({ tables: { hall } }: World, now: number, seats: number): void {
  const day = 86_400_000;
  const open = { onSaleAt: now - day, startsAt: now + 30 * day, saleState: 'open' } as const;
  hall.show({ ...open, id: 'the-show' }, seats);
  hall.show({ ...open, id: 'later-show', onSaleAt: now + day }, seats);
  hall.show({ ...open, id: 'closed-show', saleState: 'closed' }, seats);
}

function isDrained({ tables: { sagas, desk } }: World): boolean {
  return (
    [...sagas.rows.values()].every((row) => !sagas.isOpen(row)) &&
    [...desk.deliveries.values()].every(({ deliveredAt }) => deliveredAt !== null)
  );
}

function unrest({ tables: { sagas, desk } }: World, living: number): string {
  const open = [...sagas.rows.values()].filter((row) => sagas.isOpen(row)).length;
  const undelivered = [...desk.deliveries.values()].filter(({ deliveredAt }) => deliveredAt === null).length;
  return `${living} fans wait, ${open} sagas are open, ${undelivered} deliveries have not arrived`;
}
