import type { WaitingRoomQueries } from '@tutti/contracts';
import { admittedToWire, joinedToWire, LineService } from '@tutti/contracts/wire/line';
import type { RpcServer } from '@tutti/kit/rpc';

/** Answers the queries of others over gRPC. */
export function serveWaitingRoom(server: RpcServer, queries: WaitingRoomQueries): void {
  server.serve(LineService, {
    join: async ({ concertId, userId }) => joinedToWire(await queries.join(concertId, userId)),
    queue: async ({ concertId }) => ({ body: (await queries.queue(concertId)) ?? undefined }),
    joins: async ({ concertId, from }) => {
      const joins = await queries.joins(concertId, from);
      return { ...(joins && { list: { joins } }) };
    },
    admit: async ({ concertId, userId, queueToken }) =>
      admittedToWire(await queries.admit(concertId, userId, queueToken)),
    leave: async ({ concertId, userId }) => {
      const left = await queries.leave(concertId, userId);
      return { hasWaitingRoom: left === 'left' };
    },
  });
}
