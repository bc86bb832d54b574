import type { LineSystem } from './line-system.ts';
import { oursLine } from './ours-line.ts';
import { sortedSet } from './sorted-set.ts';

/** In the order in which a round takes them. */
export const lines: readonly LineSystem[] = [oursLine, sortedSet('everysec'), sortedSet('always')];
