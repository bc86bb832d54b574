import * as http from '@tutti/contracts/http';
import type { TypedApp } from './route.ts';

const tags = ['health'];
const checkTimeoutMs = 2_000;

/** `/healthz`: the process lives. `/readyz`: every part of ours answers, else 503 naming those that do not. */
export function healthRoutes(app: TypedApp, checks: Readonly<Record<string, () => Promise<void>>>): void {
  app.get(
    '/healthz',
    { schema: { tags, summary: 'The process lives', response: { 200: http.alive } } },
    () => ({ status: 'alive' as const }),
  );
  const response = { 200: http.readiness, 503: http.readiness };
  app.get(
    '/readyz',
    { schema: { tags, summary: 'Every part of ours answers', response } },
    async (_request, reply) => {
      const results = await Promise.all(
        Object.entries(checks).map(async ([name, check]) => [name, await answers(check)] as const),
      );
      const failing = results.filter(([, isOk]) => !isOk).map(([name]) => name);
      if (failing.length > 0) reply.code(503).header('retry-after', '1');
      return {
        status: failing.length === 0 ? ('ready' as const) : ('not ready' as const),
        failing,
        parts: Object.fromEntries(results),
      };
    },
  );
}

async function answers(check: () => Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), checkTimeoutMs);
  });
  const isOk = await Promise.race([
    check().then(
      () => true,
      () => false,
    ),
    late,
  ]);
  clearTimeout(timer);
  return isOk;
}
