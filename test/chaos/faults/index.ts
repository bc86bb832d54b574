import type { Fault } from '../fault.ts';
import { clockFaults } from './clocks.ts';
import { conflictFaults } from './conflicts.ts';
import { databaseFaults } from './databases.ts';
import { diskIsFull, mayMount } from './full-disks.ts';
import { partnerFails } from './partner.ts';
import { poison } from './poison.ts';
import { killed } from './processes.ts';
import { slowConsumer } from './slow-consumers.ts';
import { rollingUpgrade } from './upgrade.ts';
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
  poison,
  slowConsumer,
  rollingUpgrade,
];
