import fastifyStatic from '@fastify/static';
import { ConfigurationError } from '@tutti/kit/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { TypedApp } from './routes/route.ts';

/** The app's own addresses (web/src/app.tsx): all of them are the one page. `/` is a file. */
export const pages = [
  '/concerts/:concertId',
  '/concerts/:concertId/line/:performanceId',
  '/concerts/:concertId/seats/:performanceId',
  '/reservations/:reservationId',
  '/tickets',
  '/points',
  '/operations/:operationId',
];

/** Everything that the page needs comes from here, as a file: what somebody manages to write into it does nothing. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const pageHeaders = {
  'content-security-policy': policy,
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'cross-origin-opener-policy': 'same-origin',
};

/**
 * Serves what the build left in `folder`. Files below `assets` have their content in their name and never change. Returns how an
 * address is answered that is none: by the app too, which says so in the fan's language.
 */
export async function serveWebApp(
  app: TypedApp,
  folder: string,
): Promise<(reply: FastifyReply) => FastifyReply> {
  const index = path.join(folder, 'index.html');
  if (!existsSync(index))
    throw new ConfigurationError(
      `WEB_DIR (${folder}) has no index.html: it is not the web app as it was built.`,
    );
  await app.register(fastifyStatic, {
    root: path.resolve(folder),
    // A route for each file, so that whatever is not there is answered like everything that is not there.
    wildcard: false,
    preCompressed: true,
    cacheControl: false,
    setHeaders: (reply, file) => {
      const isNamedByContent = file.startsWith(path.join(path.resolve(folder), 'assets/'));
      const kept = isNamedByContent ? 'public, max-age=31536000, immutable' : 'no-cache';
      reply.headers({ ...pageHeaders, 'cache-control': kept });
    },
  });
  for (const url of pages) {
    app.get(url, { schema: { hide: true } }, (_request, reply) => reply.sendFile('index.html'));
    // A page has one address.
    app.get(`${url}/`, { schema: { hide: true } }, (request, reply) =>
      reply.redirect(request.url.replace(/\/(?=\?|$)/, ''), 308),
    );
  }
  const page = await readFile(index);
  const headers = { ...pageHeaders, 'cache-control': 'no-store', vary: 'accept' };
  return (reply) => reply.code(404).headers(headers).type('text/html; charset=utf-8').send(page);
}

/** Somebody typed an address or followed a link; whoever takes anything, or data, is told in data that there is nothing. */
export const asksForPage = ({ method, url, headers }: FastifyRequest): boolean =>
  (method === 'GET' || method === 'HEAD') &&
  !url.startsWith('/api/') &&
  /^text\/html\b/i.test(headers.accept ?? '');
