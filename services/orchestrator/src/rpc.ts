import type { OperationQueries } from '@tutti/contracts';
import { operationToWire, OrchestratorService } from '@tutti/contracts/wire/orchestrator';
import type { RpcServer } from '@tutti/kit/rpc';

/** Answers the queries of others over gRPC. */
export function serveOrchestrator(server: RpcServer, queries: OperationQueries): void {
  server.serve(OrchestratorService, {
    operation: async ({ operationId, userId }) => {
      const operation = await queries.operation(operationId, userId);
      return { ...(operation && { operation: operationToWire(operation) }) };
    },
    known: async ({ userId, route, key }) => ({ isKnown: await queries.isKnown(userId, route, key) }),
    stuck: async ({ limit }) => ({ items: (await queries.stuck(limit)).map(operationToWire) }),
  });
}
