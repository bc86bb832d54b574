import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Connections on which nothing was asked so far; browsers open some in advance. The server takes them for busy until its
 * time for headers is over, and would wait for them when it stops.
 */
export function silentConnections(server: Server): { close(): void } {
  const silent = new Set<Socket>();
  server.on('connection', (socket) => {
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
  });
  server.on('request', ({ socket }) => silent.delete(socket));
  return {
    close: () => {
      for (const socket of silent) socket.destroy();
    },
  };
}
