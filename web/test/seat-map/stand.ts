import { freePort } from '@tutti/kit/service';
import react from '@vitejs/plugin-react';
import { packSeats } from '@tutti/contracts';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import type { Section } from '../../../services/concert/src/layout.ts';
import { readVenue } from '../../../services/concert/src/venue.ts';
import { stadium } from './stadium.ts';

// A stand for the seat map: its page as a browser gets it, with the policy of the product, and an API whose seats do what a
// test or the benchmark wants at that moment.

const here = import.meta.dirname;
const root = join(here, '../../..');
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'";
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.woff2': 'font/woff2',
};
const prices: Readonly<Record<string, number>> = { VIP: 198_000, R: 165_000, S: 143_000, A: 110_000 };
const version = 1;

export type Stand = {
  readonly url: string;
  readonly layout: {
    readonly sections: readonly { readonly seats: readonly { readonly seatId: string }[] }[];
  };
  /** Tells all who listen. */
  readonly change: (changes: readonly (readonly [index: number, state: number])[]) => void;
  /** How many streams are open. */
  readonly listening: () => number;
  readonly stop: () => Promise<void>;
};

/** A hall of the season by its file's name, or a stadium of so many seats. */
export async function sectionsOf(hall: string | number): Promise<readonly Section[]> {
  if (typeof hall === 'number') return stadium(hall);
  const file = join(root, 'venues', `${hall}.yaml`);
  const { value } = readVenue(await readFile(file, 'utf8'), file);
  if (!value) throw new Error(`${file} is not a venue.`);
  return value.sections;
}

export async function buildPage(folder: string): Promise<void> {
  await build({
    configFile: false,
    root: join(here, 'page'),
    plugins: [react()],
    logLevel: 'error',
    build: {
      outDir: folder,
      emptyOutDir: true,
      target: 'es2023',
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
  });
}

/** `states` is a digit for each seat; all are free without it. */
export async function openStand(
  folder: string,
  hall: string | number,
  statesOf: (index: number) => number = () => 0,
): Promise<Stand> {
  const sections = await sectionsOf(hall);
  const layout = {
    version,
    sections: sections.map(({ name, grade, seats }) => ({
      name,
      grade,
      price: prices[grade] ?? 99_000,
      seats,
    })),
  };
  const count = sections.reduce((sum, { seats }) => sum + seats.length, 0);
  const states = Uint8Array.from({ length: count }, (_, index) => statesOf(index));
  const streams = new Set<ServerResponse>();
  let sequence = 1;
  const map = gzipSync(JSON.stringify(layout));

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '/', 'http://stand');
    if (pathname.endsWith('/seat-map')) {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(map);
    } else if (pathname.endsWith('/availability')) {
      const headers = { 'seat-map-version': String(version), sequence: String(sequence) };
      response
        .writeHead(200, {
          'content-type': 'application/octet-stream',
          'cache-control': 'no-cache',
          ...headers,
        })
        .end(packSeats(states.join('')));
    } else if (pathname.endsWith('/stream')) {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      response.write(`id: ${sequence}\n\n`);
      streams.add(response);
      response.once('close', () => streams.delete(response));
    } else await sendFile(folder, pathname, response);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.writeHead(404).end());
  });
  const port = await freePort();
  await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));

  return {
    url: `http://127.0.0.1:${port}/?performance=evening`,
    layout,
    change: (changes) => {
      for (const [index, state] of changes) states[index] = state;
      sequence += 1;
      const event = `id: ${sequence}\ndata: ${JSON.stringify({ version, changes })}\n\n`;
      for (const stream of streams) stream.write(event);
    },
    listening: () => streams.size,
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped());
        server.closeAllConnections();
      }),
  };
}

async function sendFile(folder: string, pathname: string, response: ServerResponse): Promise<void> {
  const name = pathname === '/' ? '/index.html' : pathname;
  if (name.includes('..')) throw new Error('Not in the folder.');
  const body = await readFile(join(folder, name));
  const type = types[extname(name)] ?? 'application/octet-stream';
  response.writeHead(200, { 'content-type': type, 'content-security-policy': policy }).end(body);
}
