import type { System } from '../system.ts';
import { ours } from './ours.ts';
import { limit, monolith, threeDatabases } from './plain.ts';

/** In the order in which a round takes them. */
export const systems: readonly System[] = [ours, monolith, threeDatabases, limit];
