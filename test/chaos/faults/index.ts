import type { Fault } from '../fault.ts';
import { clockFaults } from './clocks.ts';
import { partnerFails } from './partner.ts';
import { killed } from './processes.ts';
import { redisFails } from './redis.ts';

/** Every kind of fault that there is. */
export const faults: readonly Fault[] = [killed, ...clockFaults, redisFails, partnerFails];
