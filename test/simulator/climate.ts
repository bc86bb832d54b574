import type { Chance } from './chance.ts';

/** How often each fault of a database strikes a statement, 0–1. */
export type DatabaseRates = {
  readonly failBefore: number;
  readonly failAfter: number;
  readonly commitLate: number;
  readonly conflict: number;
  readonly slow: number;
};

/** How often each fault of the bus strikes a message or a frame, 0–1. */
export type BusRates = {
  readonly lose: number;
  readonly duplicate: number;
  readonly delay: number;
  /** A frame was taken, and its sender is told that it was not. */
  readonly loseAck: number;
  readonly full: number;
  /** A batch was done, and the broker does not hear of it. */
  readonly loseVerdict: number;
};

export const kindsOfMishap = [
  'kill',
  'freeze',
  'cutOff',
  'databaseDown',
  'brokerForgets',
  'queueStalls',
  'wrongClock',
] as const;
export type Mishap = (typeof kindsOfMishap)[number];

/** How often each of these happens to somebody in a minute. */
type Mishaps = Readonly<Record<Mishap, number>>;

/** What a seed's world is like. Each kind of fault is absent from some worlds, so that it cannot hide another. */
export type Climate = {
  readonly bus: BusRates;
  readonly database: DatabaseRates;
  readonly mishaps: Mishaps;
  /** How often a process dies where it speaks to the world. */
  readonly dieSpeaking: number;
  readonly delayMaxMs: number;
  readonly partnerFails: number;
  readonly replicas: Readonly<Record<Role, number>>;
  readonly fans: number;
  readonly seats: number;
  readonly wishesPerFan: number;
  readonly holdSeconds: number;
  readonly troubleSeconds: number;
};

export const roles = ['gateway', 'orchestrator', 'user', 'concert', 'payment', 'partner'] as const;
export type Role = (typeof roles)[number];

export const noDatabaseFaults: DatabaseRates = {
  failBefore: 0,
  failAfter: 0,
  commitLate: 0,
  conflict: 0,
  slow: 0,
};
export const noBusFaults: BusRates = {
  lose: 0,
  duplicate: 0,
  delay: 0,
  loseAck: 0,
  full: 0,
  loseVerdict: 0,
};

export function climateOf(chance: Chance): Climate {
  /** Absent from a third of all worlds, rare in a third, frequent in a third. */
  const rate = (frequent: number): number => chance.pick([0, frequent / 6, frequent]);
  return {
    bus: {
      lose: rate(0.15),
      duplicate: rate(0.2),
      delay: rate(0.3),
      loseAck: rate(0.05),
      full: rate(0.03),
      loseVerdict: rate(0.1),
    },
    database: {
      failBefore: rate(0.06),
      failAfter: rate(0.08),
      commitLate: rate(0.04),
      conflict: rate(0.05),
      slow: rate(0.05),
    },
    mishaps: {
      kill: rate(12),
      freeze: rate(8),
      cutOff: rate(6),
      databaseDown: rate(4),
      brokerForgets: rate(2),
      queueStalls: rate(4),
      wrongClock: rate(5),
    },
    dieSpeaking: rate(0.01),
    delayMaxMs: chance.pick([50, 2_000, 20_000, 60_000]),
    partnerFails: rate(0.7),
    replicas: {
      gateway: 2,
      orchestrator: chance.whole(1, 3),
      user: chance.whole(1, 2),
      concert: chance.whole(1, 2),
      payment: chance.whole(1, 2),
      partner: chance.whole(1, 2),
    },
    fans: chance.whole(2, 5),
    seats: chance.whole(2, 16),
    wishesPerFan: chance.whole(3, 9),
    holdSeconds: chance.pick([15, 40, 300]),
    troubleSeconds: chance.whole(20, 70),
  };
}
