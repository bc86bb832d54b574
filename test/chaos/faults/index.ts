import type { Fault } from '../fault.ts';
import { killed } from './processes.ts';

/** Every kind of fault that there is. */
export const faults: readonly Fault[] = [killed];
