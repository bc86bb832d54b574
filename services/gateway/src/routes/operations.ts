import * as http from '@tutti/contracts/http';
import type { Operation } from '@tutti/contracts';
import * as z from 'zod';
import type { GatewayParts } from '../parts.ts';
import { Refused } from '../problems.ts';
import { callerOf, refuseCursor, type TypedApp } from './route.ts';

const tags = ['operations'];

/** What became of a request: the timeline of the saga behind it. */
export function operationRoutes(app: TypedApp, { operations }: GatewayParts): void {
  app.get(
    '/operations/:operationId',
    {
      config: { access: 'fan', refuses: ['operation_not_found'] },
      schema: {
        tags,
        summary: 'What became of a request of mine',
        params: z.object({ operationId: http.namedId }),
        response: { 200: http.operation },
      },
    },
    async (request) => {
      const operation = await operations.operation(request.params.operationId, callerOf(request).userId);
      if (!operation) throw new Refused('operation_not_found');
      return forFan(operation);
    },
  );

  app.get(
    '/admin/operations',
    {
      config: { access: 'operator' },
      schema: {
        tags: ['admin'],
        summary: 'Requests that should have ended by now',
        querystring: http.pageQuery.extend({ status: z.literal('stuck').default('stuck') }),
        response: { 200: http.page(http.operationForOperators) },
      },
    },
    async ({ query: { limit, cursor } }) => {
      refuseCursor(cursor);
      const stuck = await operations.stuck(limit);
      return { items: stuck.map(forOperator), nextCursor: null };
    },
  );
}

function forFan({ id, saga, status, code, steps }: Operation) {
  return {
    operationId: id,
    saga,
    status,
    ...(code !== null && { code }),
    steps: steps.map(({ name, status: of, startedAt, endedAt }) => ({
      name,
      status: of,
      startedAt,
      endedAt,
    })),
  };
}

function forOperator(operation: Operation) {
  const { steps, ...rest } = forFan(operation);
  const named = new Map(operation.steps.map((step) => [step.name, step]));
  return {
    ...rest,
    steps: steps.map((step) => {
      const { service = '', attempts = 0 } = named.get(step.name) ?? {};
      const lastError =
        step.status === 'running' && attempts > 1 ? `no answer to ${attempts - 1} of ${attempts}` : null;
      return { ...step, service, attempts, lastError };
    }),
  };
}
