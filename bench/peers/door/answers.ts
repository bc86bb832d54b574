// The stored answers of peers that have no engine to remember them: in the transaction of the effect, under a unique key.

import { isRefusalCode } from '@tutti/contracts';
import { refusal, type Asked, type Reply } from './door.ts';
import type { Outcome, Run } from './statements.ts';

export const answerTable = `
  create table answer (
    fan uuid not null, route text not null, key text not null, fingerprint text not null, trace_id text not null,
    refusal text, body json not null, primary key (fan, route, key))`;

/** Throws 23505 when the key has an answer: then nothing of this transaction may stay. */
export async function storeAnswer(run: Run, asked: Asked, outcome: Outcome<object>): Promise<Reply> {
  const { fan, route, key, fingerprint, traceId } = asked;
  const isOk = 'ok' in outcome;
  const body = JSON.stringify(isOk ? outcome.ok : outcome.refused.data);
  await run(
    'insert into answer (fan, route, key, fingerprint, trace_id, refusal, body) values ($1, $2, $3, $4, $5, $6, $7::json)',
    [fan, route, key, fingerprint, traceId, isOk ? null : outcome.refused.code, body],
    'insert_answer',
  );
  return replyOf(asked, outcome);
}

export const replyOf = ({ traceId }: Asked, outcome: Outcome<object>): Reply =>
  'ok' in outcome
    ? { status: 201, body: JSON.stringify(outcome.ok) }
    : refusal(outcome.refused.code, traceId, outcome.refused.data);

/** The answer that a key was given before. */
export async function storedAnswer(run: Run, asked: Asked): Promise<Reply> {
  const { fan, route, key, fingerprint } = asked;
  const [row] = await run<{ fingerprint: string; traceId: string; refusal: string | null; body: string }>(
    `select fingerprint, trace_id as "traceId", refusal, body::text from answer where fan = $1 and route = $2 and key = $3`,
    [fan, route, key],
    'stored_answer',
  );
  if (!row) throw new Error('The key has no answer.');
  if (row.fingerprint !== fingerprint) return refusal('idempotency_key_reused', asked.traceId);
  if (row.refusal === null) return { status: 201, body: row.body };
  const data: unknown = JSON.parse(row.body);
  const code = isRefusalCode(row.refusal) ? row.refusal : 'internal_error';
  return refusal(code, row.traceId, typeof data === 'object' && data !== null ? data : {});
}
