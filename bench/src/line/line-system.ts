import type { Request } from '../closed-loop.ts';
import type { Crowd } from '../crowd.ts';
import type { Endings } from '../endings.ts';

/** A line that answers on 127.0.0.1. Fans are given by their index in the crowd. */
export type RunningLine = {
  readonly port: number;
  /** Takes a place; answered when it is as durable as this line makes it. */
  join(fan: number): Request;
  /** What a waiting fan asks again and again. */
  poll(fan: number): Request;
  /** Fans who have their place go in and out until it is stopped, where this line lets anybody in. Returns how many came. */
  visits?(joined: readonly { readonly fan: number; readonly body: string }[]): { stop(): Promise<number> };
  /** What it keeps for those who wait, with its indexes. */
  bytesStored(): Promise<number>;
  /** Its processes, those of its database with them. */
  pids(): readonly number[];
  /** Where it has one answer for all who wait: the rest of what is measured goes through a cache. */
  readonly isPublic: boolean;
  /** The servers under it, with their versions and the settings that make its answers durable. */
  describe(): Promise<string>;
};

export type LineSystem = {
  readonly name: string;
  readonly title: string;
  /** Runs it with an empty line for as long as `work` takes, in a folder that `work` may use too. */
  readonly during: <T>(
    surroundings: LineSurroundings,
    work: (line: RunningLine, folder: string) => Promise<T>,
  ) => Promise<T>;
};

export type LineSurroundings = {
  readonly crowd: Crowd;
  readonly endings: Endings;
  readonly say: (sentence: string) => void;
};
