import { parseArgs } from 'node:util';

export type Options = {
  readonly rounds: number;
  readonly secondsMax: number;
  readonly warmUpSeconds: number;
  /** Null: all that can be had. */
  readonly systems: readonly string[] | null;
  readonly clients: readonly number[];
  readonly seats: number;
  readonly json: boolean;
  readonly write: boolean;
  readonly quick: boolean;
  /** The arguments as they were given. */
  readonly given: readonly string[];
  /** Rows of finished sagas to age our tables with; null for the comparison. */
  readonly aged: number | null;
  /** Minutes of load under which memory is watched; null for the comparison. */
  readonly soak: number | null;
  /** The waiting room beside the usual way; not the comparison. */
  readonly waitingRoom: boolean;
};

export const usage = `npm run bench -- [options]
  --rounds N          rounds, the systems in turn (3)
  --seconds N         the longest a level may take (10)
  --systems a,b       which systems (all)
  --clients 1,16,…    levels of the closed loop (1,16,64,256)
  --seats N           seats, and fans (100000)
  --quick             one short round, to see that everything works
  --json              figures for machines on standard output
  --write             writes docs/figures.md and docs/figures.svg
  --aged N            instead: our cost per saga with N finished ones in the tables
  --soak MINUTES      instead: our resident memory, minute by minute, under load
  --waiting-room      instead: joins, polls and a waiting crowd (docs/figures-waiting-room.md)`;

/** Throws a sentence for what it does not understand. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      systems: { type: 'string' },
      clients: { type: 'string' },
      seats: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      aged: { type: 'string' },
      soak: { type: 'string' },
      'waiting-room': { type: 'boolean', default: false },
    },
  });
  const { quick, json, write } = values;
  return {
    rounds: whole('rounds', values.rounds, quick ? 1 : 3),
    secondsMax: whole('seconds', values.seconds, quick ? 1 : 10),
    warmUpSeconds: quick ? 1 : 2,
    systems: values.systems?.split(',') ?? null,
    clients: (values.clients ?? (quick ? '1,64' : '1,16,64,256'))
      .split(',')
      .map((one) => whole('clients', one, 1)),
    seats: whole('seats', values.seats, quick ? 10_000 : 100_000),
    given: args,
    json,
    write,
    quick,
    aged: values.aged === undefined ? null : whole('aged', values.aged, 0),
    soak: values.soak === undefined ? null : whole('soak', values.soak, 0),
    waitingRoom: values['waiting-room'],
  };
}

function whole(name: string, text: string | undefined, byDefault: number): number {
  if (text === undefined) return byDefault;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${name} takes whole numbers from 1, not "${text}".`);
  return value;
}
