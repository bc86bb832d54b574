// A process that takes what is on a queue and never settles it: it says what it holds, and waits to be killed. What came
// less often than it was told it refuses first.

import { JetStreamBus, queue } from './index.ts';

const [servers = '', queueName = '', holdsFromDelivery = ''] = process.argv.slice(2);
const bus = await JetStreamBus.connect({ servers, name: 'doomed', brokerAckWaitMs: 1_000, retryFirstMs: 10 });
bus.consume(queue(queueName), (batch) => {
  if (batch.some(({ deliveries }) => deliveries < Number(holdsFromDelivery))) throw new Error('not yet');
  process.stdout.write(`${JSON.stringify(batch.map(({ message }) => message))}\n`);
  return new Promise(() => {});
});
