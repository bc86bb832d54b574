import { createLog } from '../service/index.ts';
import { rpcClient, RpcServer, type Handlers, type RpcClient, type RpcClientOptions } from './index.ts';
import type { RpcServerOptions } from './server.ts';
import { ShelfService, ToyService } from './generated/tutti/toy/v1/toy_pb.ts';

export type Toys = {
  /** A server of its own; what is not given answers with nothing. */
  open(
    handlers?: Partial<Handlers<typeof ToyService>>,
    options?: Partial<RpcServerOptions>,
  ): Promise<{ server: RpcServer; address: string }>;
  client(address: string, options?: RpcClientOptions<typeof ToyService>): RpcClient<typeof ToyService>;
  /** Of the other service that each of the servers has. */
  shelf(address: string): RpcClient<typeof ShelfService>;
  /** What servers logged, a line each. */
  readonly lines: readonly string[];
  close(): Promise<void>;
};

/** Servers and clients of one test, closed together. */
export function toys(): Toys {
  const lines: string[] = [];
  const log = createLog('info', { write: (line) => lines.push(line) });
  const servers: RpcServer[] = [];
  const clients: { close(): void }[] = [];
  return {
    lines,
    open: async (handlers = {}, options = {}) => {
      const server = new RpcServer({ log, ...options });
      servers.push(server);
      server.serve(ToyService, { look: async () => ({}), put: async () => ({}), ...handlers });
      server.serve(ShelfService, { count: async () => ({ toys: 1 }) });
      return { server, address: await server.listen('127.0.0.1', 0) };
    },
    client: (address, options) => {
      // No test waits that long; a busy machine may.
      const client = rpcClient(ToyService, address, { deadlineMs: 30_000, ...options });
      clients.push(client);
      return client;
    },
    shelf: (address) => {
      const client = rpcClient(ShelfService, address, { deadlineMs: 30_000 });
      clients.push(client);
      return client;
    },
    close: async () => {
      for (const client of clients) client.close();
      await Promise.all(servers.map((server) => server.stop(0)));
    },
  };
}

/** As a socket tells that nobody listens at the other end. */
export const nobodyListens = (): Error =>
  Object.assign(new Error('connect ECONNREFUSED 10.1.2.3:5432'), { code: 'ECONNREFUSED' });
