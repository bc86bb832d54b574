import type { Fault } from '../fault.ts';
import { clockFaults } from './clocks.ts';
import { conflictFaults } from './conflicts.ts';
import { databaseFaults } from './databases.ts';
import { diskIsFull, mayMount } from './full-disks.ts';
import { partnerFails } from './partner.ts';
import { killed } from './processes.ts';
import { redisFails } from './redis.ts';

/** Every kind of fault that there is, and that can be played here. */
export const faults: readonly Fault[] = [
  killed,
  ...databaseFaults,
  ...conflictFaults,
  ...(mayMount() ? [diskIsFull] : []),
  redisFails,
  partnerFails,
  ...clockFaults,
];
