import { packSeats } from '@tutti/contracts';
import { createLog } from '@tutti/kit/service';
import { until } from '@tutti/kit/testing';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { Refused } from '../problems.ts';
import { SeatMemory } from './availability.ts';
import { SeatStreams, streamLimits, type StreamLimits } from './streams.ts';

type Room = {
  server: Server;
  streams: SeatStreams;
  sockets: Socket[];
  asked: () => number;
  change: () => void;
};
const rooms: Room[] = [];

afterEach(async () => {
  for (const { server, streams, sockets } of rooms.splice(0)) {
    streams.stop();
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  }
});

/** A server that streams one performance whose every seat changes with every `change`. */
async function room(limits: Partial<StreamLimits> = {}, seats = 8): Promise<Room> {
  let [sequence, asked] = [1, 0];
  const availability = async () => {
    asked++;
    const codes = String(sequence % 3).repeat(seats);
    return [{ performanceId: 'show', version: 1, sequence, seats: packSeats(codes) }];
  };
  // Time flies, so that every poll is a read.
  let now = 0;
  const memory = new SeatMemory({ availability }, () => (now += 1_000));
  const log = createLog('silent');
  const streams = new SeatStreams({ memory, log, pollMs: 10, limits: { ...streamLimits, ...limits } });
  const server = createServer((request, response) => {
    void memory.at('show').then((state) => {
      if (!state) throw new Error('There is a show.');
      try {
        const place = streams.take(request);
        response.writeHead(200);
        streams.open(place, response, state, null);
      } catch (error) {
        const headers = error instanceof Refused ? error.headers : {};
        response.writeHead(503, headers).end();
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const change = () => {
    sequence++;
  };
  const made = { server, streams, sockets: [], asked: () => asked, change };
  rooms.push(made);
  return made;
}

/** A connection that has asked for the stream; `heard` is what it has read. */
async function listener(
  { server, sockets }: Room,
  forwardedFor = '',
): Promise<{ socket: Socket; heard: () => string }> {
  const address = server.address();
  const socket = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1');
  sockets.push(socket);
  let text = '';
  socket.on('data', (part) => {
    text += part.toString();
  });
  socket.on('error', () => {});
  const line = forwardedFor === '' ? '' : `X-Forwarded-For: 9.9.9.9, ${forwardedFor}\r\n`;
  socket.write(`GET / HTTP/1.1\r\nHost: x\r\n${line}\r\n`);
  await until('there is an answer', () => text.includes('\r\n\r\n'));
  return { socket, heard: () => text };
}

test('it asks while somebody listens, and only then', async () => {
  const house = await room();
  const one = await listener(house);
  const before = house.asked();
  await until('it asks', () => house.asked() > before);
  house.change();
  await until('it is told', () => one.heard().includes('"changes"'));
  one.socket.destroy();
  await until('nobody listens', () => house.streams.counts.listening === 0);
  const after = house.asked();
  let askedInVain = Infinity;
  house.server.once('connection', () => (askedInVain = house.asked()));
  const two = await listener(house);
  await until('it is told', () => two.heard().includes('id: 2'));
  // The one question that was under way.
  expect(askedInVain).toBeLessThanOrEqual(after + 1);
});

test('there is room for so many, and the next is told when to come back', async () => {
  const house = await room({ listenersMax: 2 });
  const [one] = [await listener(house), await listener(house)];
  const refused = (await listener(house)).heard();
  expect(refused).toMatch(/^HTTP\/1.1 503 /);
  expect(refused).toMatch(/retry-after: ([5-9]|1[0-5])\r/i);
  one.socket.destroy();
  await until('there is room again', () => house.streams.counts.listening === 1);
  expect((await listener(house)).heard()).toMatch(/^HTTP\/1.1 200 /);
});

test('no network takes all the room, and what a client says of itself is not believed', async () => {
  const house = await room({ perNetworkMax: 1 });
  expect((await listener(house, '203.0.113.7')).heard()).toMatch(/^HTTP\/1.1 200 /);
  expect((await listener(house, '203.0.113.200')).heard()).toMatch(/^HTTP\/1.1 503 /);
  expect((await listener(house, '203.0.114.7')).heard()).toMatch(/^HTTP\/1.1 200 /);
  expect((await listener(house, '127.0.0.1')).heard()).toMatch(/^HTTP\/1.1 200 /);
});

test('who reads slower than things happen is let go, and the others are not', async () => {
  const house = await room({ unreadBytesMax: 100_000 }, 3_000);
  const slow = await listener(house);
  const fast = await listener(house);
  slow.socket.pause();
  await until('the slow one is dropped', () => {
    house.change();
    return house.streams.counts.dropped > 0;
  });
  await until('it is gone', () => house.streams.counts.listening === 1);
  const so = fast.heard().length;
  house.change();
  await until('the fast one is told more', () => fast.heard().length > so);
});

test('when it stops, everybody is let go and nobody comes in', async () => {
  const house = await room();
  const one = await listener(house);
  const ended = once(one.socket, 'close');
  house.streams.stop();
  await until('the stream has ended', () => one.heard().endsWith('0\r\n\r\n'));
  expect((await listener(house)).heard()).toMatch(/^HTTP\/1.1 503 /);
  one.socket.destroy();
  await ended;
  expect(house.streams.counts.listening).toBe(0);
});
