import type { Fault } from '../fault.ts';
import { clockFaults } from './clocks.ts';
import { conflictFaults } from './conflicts.ts';
import { crashPoint, everyCrashPoint } from './crash-points.ts';
import { databaseFaults } from './databases.ts';
import { frameFaults } from './frames.ts';
import { diskIsFull, mayMount } from './full-disks.ts';
import { networkFaults } from './network.ts';
import { partnerFails } from './partner.ts';
import { poison } from './poison.ts';
import { processFaults } from './processes.ts';
import { queueFaults } from './queue.ts';
import { redisFails } from './redis.ts';
import { resumption } from './resumption.ts';
import { slowConsumer } from './slow-consumers.ts';
import { rollingUpgrade } from './upgrade.ts';

/** Every kind of fault that may strike beside others, and that can be played here. */
export const faults: readonly Fault[] = [
  ...processFaults,
  crashPoint,
  ...queueFaults,
  ...frameFaults,
  ...networkFaults,
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

/** Those that want the cluster for themselves. */
export const faultsAlone: readonly Fault[] = [everyCrashPoint, resumption];
