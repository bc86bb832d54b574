import type { FastifyRequest } from 'fastify';
import { Refused } from '../problems.ts';
import type { TypedApp } from './route.ts';

/** The page that Prometheus reads, and who may read it. */
export type MetricsDoor = {
  readonly page: () => Promise<{ readonly contentType: string; readonly body: string }>;
  /** Whoever reaches the API, or only programs on this machine. */
  readonly reach: 'everybody' | 'this machine';
};

/**
 * `/metrics` beside the API, for a system that has no private port. It tells how much is sold and how busy we are, which is
 * nobody's business: from elsewhere it does not exist. A proxy on this machine would make everybody a neighbour, so that
 * what was handed on by one is not from here.
 */
export function metricsRoute(app: TypedApp, { page, reach }: MetricsDoor): void {
  app.get('/metrics', { schema: { hide: true } }, async (request, reply) => {
    if (reach === 'this machine' && !isFromHere(request)) throw new Refused('not_found');
    const { contentType, body } = await page();
    return reply.header('cache-control', 'no-store').type(contentType).send(body);
  });
}

const handedOn = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'];

function isFromHere({ socket, headers }: FastifyRequest): boolean {
  const { remoteAddress = '' } = socket;
  const isLoopback = /^(?:::ffff:)?127\.|^::1$/.test(remoteAddress);
  return isLoopback && !handedOn.some((name) => name in headers);
}
