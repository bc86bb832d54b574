// A door of its own: a system in one process needs no client of a broker.
export { JetStreamBus, type JetStreamOptions, type QueueStats } from './jetstream-bus.ts';
export { deadLettersAt, type DeadLetters } from './jetstream-dead-letters.ts';
export { natsAuthorization, type NatsUser } from './nats-permissions.ts';
export { type NatsOptions } from './nats-link.ts';
