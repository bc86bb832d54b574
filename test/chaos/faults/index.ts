import type { Fault } from '../fault.ts';
import { crashPoint, everyCrashPoint } from './crash-points.ts';
import { frameFaults } from './frames.ts';
import { networkFaults } from './network.ts';
import { processFaults } from './processes.ts';
import { queueFaults } from './queue.ts';
import { resumption } from './resumption.ts';

/** Every kind of fault that may strike beside others. */
export const faults: readonly Fault[] = [
  ...processFaults,
  crashPoint,
  ...queueFaults,
  ...frameFaults,
  ...networkFaults,
];

/** Those that want the cluster for themselves. */
export const faultsAlone: readonly Fault[] = [everyCrashPoint, resumption];
