export { type Bins, type Distribution } from './distribution.ts';
export { queueLabel, type MeasurableBus, type QueueFigures } from './measured-bus.ts';
export { Meters, type Cell, type Counts, type MetricsPage, type Read, type Reading } from './meters.ts';
export { type OpenSpan, type Spans, type SpanStart } from './spans.ts';
export {
  readTelemetryConfig,
  startTelemetry,
  Telemetry,
  watchDatabase,
  type ServiceTelemetry,
  type TelemetryConfig,
  type TelemetryOptions,
} from './telemetry.ts';
export { isSampled, parseTraceparent, traceparent, unrecorded, type TraceContext } from './trace-context.ts';
