export {
  queue,
  QueueFull,
  type Bus,
  type Consumer,
  type ConsumeOptions,
  type DeadLetter,
  type Delivery,
  type Handler,
  type Queue,
  type Verdict,
} from './bus.ts';
export { InProcessBus } from './in-process-bus.ts';
export { outlasting } from './patience.ts';
