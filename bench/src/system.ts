import type { Connection } from '@tutti/kit/postgres';

/** Whose processes a figure is about; `engine` is every server but PostgreSQL. */
export type ProcessRole = 'node' | 'postgres' | 'engine';

/** What a service keeps; which database that is, every system decides itself. */
export type Store = 'user' | 'concert' | 'payment' | 'partner';
export const stores: readonly Store[] = ['user', 'concert', 'payment', 'partner'];

/** What every system of a round is given, the same for all of them. */
export type Surroundings = {
  /** An empty folder of its own, which the server's user of PostgreSQL can enter. */
  readonly folder: string;
  readonly partnerUrl: string;
  readonly partnerSecret: string;
  /** Signs the access tokens of the crowd; 32 bytes in base64url. */
  readonly accessTokenKey: string;
  readonly holdSeconds: number;
};

/** A system that answers on 127.0.0.1: POST /api/v1/reservations and POST /api/v1/reservations/{id}/payment, as ours does. */
export type RunningSystem = {
  readonly port: number;
  readonly databases: Readonly<Record<Store, Connection>>;
  /** Where the cluster's counters are read; any of its databases. */
  readonly admin: Connection;
  /** All of its processes. */
  pids(): Readonly<Partial<Record<ProcessRole, readonly number[]>>>;
  /** How many flows have been begun and have not ended, deliveries apart. */
  unfinished(): Promise<number>;
  stop(): Promise<void>;
};

export type System = {
  readonly name: string;
  readonly title: string;
  /** Names and versions of what runs, for the record. */
  readonly versions: () => Promise<readonly string[]>;
  /** Installs what it needs; throws one sentence when it cannot be had here. */
  readonly prepare?: (say: (sentence: string) => void) => Promise<void>;
  /** Starts it on a fresh cluster, with its tables and nothing in them. */
  readonly start: (surroundings: Surroundings) => Promise<RunningSystem>;
};
