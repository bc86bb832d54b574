export { gate, until } from './conditions.ts';
export { rowsRead } from './rows-read.ts';
export { Session, sessionsOf, type Sessions } from './session.ts';
export { testDatabase, type TestDatabase } from './test-database.ts';
export { busContract, type BusContractOptions } from './bus-contract.ts';
export { FaultBus, randomFrom, type FaultCounts, type FaultOptions, type FaultRates } from './fault-bus.ts';
export { TraceCollector, type CollectedSpan } from './trace-collector.ts';
export { readMetrics, type Metrics } from './metrics-page.ts';
