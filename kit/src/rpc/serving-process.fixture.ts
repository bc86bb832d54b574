// A process of its own that serves toys, for a test that kills it: looking at "hold" never ends.
import { createLog } from '../service/index.ts';
import { ToyService } from './generated/tutti/toy/v1/toy_pb.ts';
import { RpcServer } from './index.ts';

const server = new RpcServer({ log: createLog('silent') });
server.serve(ToyService, {
  look: async ({ name }) => {
    if (name === 'hold') {
      process.stdout.write('held\n');
      await new Promise(() => undefined);
    }
    return { text: 'the other process' };
  },
  put: async () => {
    process.stdout.write('held\n');
    return new Promise(() => undefined);
  },
});
process.stdout.write(`${await server.listen('127.0.0.1', 0)}\n`);
