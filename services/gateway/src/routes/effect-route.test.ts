import { InProcessBus } from '@tutti/kit/messaging';
import { answerQueue, startQueue, type AnswerMessage } from '@tutti/kit/saga';
import { createLog } from '@tutti/kit/service';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Effects } from '../effects.ts';
import { Refused, sendProblem } from '../problems.ts';
import { answerEffect } from './effect-route.ts';

const log = createLog('silent');
const operation = '0199b1a2-0000-7000-8000-000000000001';
let bus: InProcessBus;
let effects: Effects;
let app: FastifyInstance;

beforeEach(() => {
  bus = new InProcessBus();
  effects = new Effects(bus, log);
  app = Fastify();
  app.decorateRequest('caller', null);
  app.addHook('onRequest', async (request) => {
    request.caller = { userId: 'fan', sessionId: 'session', role: 'fan' };
  });
  app.setErrorHandler((error, request, reply) =>
    sendProblem(reply, request, error instanceof Refused ? error : new Refused('internal_error')),
  );
  app.post('/effects', (request, reply) => answerEffect(request, reply, effects, 'some-saga', {}));
});

afterEach(async () => {
  await app.close();
  await effects.stop();
  await bus.close();
});

/** Lets the sagas say one thing to every start, and asks. */
async function askWhen(said: Saying) {
  bus.consume(startQueue, async (batch) => {
    for (const { message } of batch)
      await bus.publish(answerQueue(message.replyTo), [{ id: message.id, operation, ...said }]);
  });
  return app.inject({ method: 'POST', url: '/effects', headers: { 'idempotency-key': 'k' } });
}

type Saying = AnswerMessage extends infer One
  ? One extends AnswerMessage
    ? Omit<One, 'id' | 'operation'>
    : never
  : never;

const sayings: readonly [Saying, number, string][] = [
  [{ kind: 'answer', answer: { status: 201, body: '{"a":1}' }, replayed: false }, 201, '"a":1'],
  [{ kind: 'answer', answer: { status: 409, body: '{"code":"b"}' }, replayed: true }, 409, '"code":"b"'],
  [{ kind: 'in_flight' }, 409, '"idempotency_in_flight"'],
  [{ kind: 'key_reused' }, 422, '"idempotency_key_reused"'],
  [{ kind: 'overloaded' }, 503, '"overloaded"'],
];

test.each(sayings)('what the sagas say is what the fan is told: %j', async (said, status, part) => {
  const answer = await askWhen(said);
  expect(answer.statusCode).toBe(status);
  expect(answer.body).toContain(part);
  if (status === 503) expect(answer.headers['retry-after']).toMatch(/^\d+$/);
});
