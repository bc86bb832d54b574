import type { PaymentQueries } from '@tutti/contracts';
import { entriesToWire, PaymentService } from '@tutti/contracts/wire/payment';
import type { RpcServer } from '@tutti/kit/rpc';

/** Answers the queries of others over gRPC. */
export function servePayment(server: RpcServer, queries: PaymentQueries): void {
  server.serve(PaymentService, {
    balance: async ({ userId }) => ({ balance: BigInt((await queries.balance(userId)).balance) }),
    entries: async ({ userId, limit, before }) =>
      entriesToWire(await queries.entries(userId, limit, before === undefined ? null : Number(before))),
  });
}
