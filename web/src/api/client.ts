import { noteServerTime } from './clock.ts';
import { Refusal, Unreachable } from './refusal.ts';

export type Answer<T> = { readonly status: number; readonly body: T; readonly headers: Headers };

export type RequestOptions = {
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  readonly cache?: RequestCache;
};

const base = '/api/v1';
// The server answers within ten seconds, if only to say that it goes on; what takes longer is lost on the way.
const answerMsMax = 20_000;

/**
 * The only place that speaks to the server. A refusal is thrown as `Refusal`, silence as `Unreachable`. The body's type is the
 * caller's word for what the contract of that route says; the server's own tests hold it to that.
 */
export async function send<T>(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  { body, headers, signal, cache = 'default' }: RequestOptions = {},
): Promise<Answer<T>> {
  const answer = await arrived(`${base}${path}`, {
    method,
    headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
    ...(body && { body: JSON.stringify(body) }),
    signal: anyOf(signal, AbortSignal.timeout(answerMsMax)),
    cache,
  });
  noteServerTime(answer.headers.get('date'));
  if (!answer.ok) throw refusalOf(answer, await bodyOf<unknown>(answer));
  return { status: answer.status, body: await bodyOf<T>(answer), headers: answer.headers };
}

export const get = async <T>(path: string, signal?: AbortSignal, cache?: RequestCache): Promise<T> =>
  (await send<T>('GET', path, { signal, ...(cache && { cache }) })).body;

const anyOf = (signal: AbortSignal | undefined, timeout: AbortSignal): AbortSignal =>
  signal ? AbortSignal.any([signal, timeout]) : timeout;

async function arrived(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, credentials: 'same-origin' });
  } catch (error) {
    throw new Unreachable(error);
  }
}

async function bodyOf<T>(answer: Response): Promise<T> {
  try {
    return JSON.parse((await answer.text()) || 'null');
  } catch (error) {
    // A proxy's page of HTML, or a connection that broke in the middle: nobody knows what the answer was.
    throw new Unreachable(error);
  }
}

function refusalOf(answer: Response, told: unknown): Refusal {
  const data = typeof told === 'object' && told !== null ? { ...told } : {};
  const code = 'code' in data && typeof data.code === 'string' ? data.code : 'internal_error';
  const after = Number(answer.headers.get('retry-after') ?? Number.NaN);
  return new Refusal(
    code,
    answer.status,
    data,
    Number.isNaN(after) ? null : after,
    operationOf(answer.headers),
  );
}

/** The operation behind an effect, finished or not. */
export function operationOf(headers: Headers): string | null {
  const place = headers.get('operation-location') ?? headers.get('location');
  return place?.split('/').at(-1) ?? null;
}
