// A process that comes to a bad end. It says what it was given, then holds it until it is killed, or dies of it.
// Arguments: server, queue, the delivery from which on it holds what it is given (what came less often it refuses), and what
// it dies of; what it does not die of is done then.

import { queue } from './index.ts';
import { JetStreamBus } from './jetstream.ts';

const [servers = '', queueName = '', holdsFromDelivery = '', poison] = process.argv.slice(2);
const bus = await JetStreamBus.connect({ servers, name: 'doomed', brokerAckWaitMs: 1_000, retryFirstMs: 10 });
bus.consume(queue(queueName), (batch) => {
  if (batch.some(({ message }) => message === poison)) process.kill(process.pid, 'SIGKILL');
  if (batch.some(({ deliveries }) => deliveries < Number(holdsFromDelivery))) throw new Error('not yet');
  process.stdout.write(`${JSON.stringify(batch.map(({ message }) => message))}\n`);
  return poison === undefined ? new Promise(() => {}) : Promise.resolve();
});
