import type { System } from '../system.ts';
import { dbos } from './dbos.ts';
import { cluster, ours } from './ours.ts';
import { limit, monolith, threeDatabases } from './plain.ts';
import { restate, restateTuned } from './restate.ts';

/** In the order in which a round takes them. */
export const systems: readonly System[] = [
  ours,
  cluster,
  dbos,
  restate,
  restateTuned,
  monolith,
  threeDatabases,
  limit,
];
