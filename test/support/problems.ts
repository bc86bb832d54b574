import { isRefusalCode, refusals } from '@tutti/contracts';
import { problemBody } from '@tutti/contracts/http';
import type { Reply } from './client.ts';

const inside =
  /\bat [\w./<>]+ ?\(|\.[jt]s:\d|node_modules|\bselect\b.*\bfrom\b|insert into|sqlstate|syntax error|ZodError|FST_|ECONN/i;

/** What is wrong with a refusal as an answer; an empty list when it is what the contract says. */
export function faultsOf(reply: Reply): string[] {
  const { status, headers, text } = reply;
  const faults: string[] = [];
  const must = (is: boolean, fault: string) => {
    if (!is) faults.push(fault);
  };
  must(status < 500, `it is a ${status}`);
  must(
    /^application\/problem\+json(;|$)/.test(headers.get('content-type') ?? ''),
    `its type is ${headers.get('content-type')}`,
  );
  must(!inside.test(text), 'it shows our inside');
  const parsed = problemBody.safeParse(reply.body);
  if (!parsed.success) return [...faults, `it is no problem: ${text.slice(0, 200)}`];
  const { code, title, detail, traceId, type } = parsed.data;
  must(isRefusalCode(code) && refusals[code].status === status, `${code} is not a code for ${status}`);
  must(parsed.data.status === status, 'its body tells another status');
  must(title !== '' && detail !== '' && type === `/problems/${code}`, 'its texts are missing');
  must(/^[0-9a-f]{32}$/.test(traceId), `its trace is ${traceId}`);
  must(status !== 401 || headers.get('www-authenticate') === 'Bearer', 'it does not say how to sign in');
  must(
    (status !== 429 && status !== 503) || /^\d+$/.test(headers.get('retry-after') ?? ''),
    'it does not say when to come back',
  );
  must(
    headers.get('set-cookie') === null && headers.get('x-injected') === null,
    'it sets what it should not',
  );
  must(code !== 'invalid_request' || Array.isArray(parsed.data['errors']), 'it does not say what is wrong');
  return faults;
}
