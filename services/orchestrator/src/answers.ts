import { isRefusalCode, problem, refusals } from '@tutti/contracts';
import type { Answer, Encode, Ending } from '@tutti/kit/saga';

/** What a fan is told beside the refusal: the result of an undo that changes what they can do next. */
function withUndone({ reason, undone }: Extract<Ending, { status: 'failed' }>): object {
  const seats = undone['seats'];
  if (reason.code !== 'insufficient_points' || typeof seats !== 'object' || seats === null)
    return reason.data;
  return { ...reason.data, expiresAt: 'expiresAt' in seats ? seats.expiresAt : null };
}

/** What was chosen when the fan asked came with the question, so that whoever answers it, and whenever, offers the same. */
const offered = (input: object): object =>
  'alternatives' in input && Array.isArray(input.alternatives)
    ? { alternatives: input.alternatives.map((seatIds: unknown) => ({ seatIds })) }
    : {};

/** The final answer of a saga as the HTTP status and the bytes that are stored and sent, whoever computes them. */
export const encodeAnswer: Encode = (ending, { name, traceId, input }): Answer => {
  if (ending.status === 'succeeded')
    return { status: name === 'cancel-reservation' ? 200 : 201, body: JSON.stringify(ending.reply) };
  const code = isRefusalCode(ending.reason.code) ? ending.reason.code : 'internal_error';
  const data = { ...withUndone(ending), ...(code === 'seat_unavailable' && offered(input)) };
  const body = JSON.stringify(problem(code, traceId, data));
  // Who comes back with a newer admission makes the same request again.
  return { status: refusals[code].status, body, ...(code.startsWith('admission_') && { isKept: false }) };
};
