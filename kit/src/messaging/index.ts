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
export { JetStreamBus, type JetStreamOptions, type QueueStats } from './jetstream-bus.ts';
export { deadLettersAt, type DeadLetters } from './jetstream-dead-letters.ts';
export { natsAuthorization, type NatsUser } from './nats-permissions.ts';
export { type NatsOptions } from './nats-link.ts';
