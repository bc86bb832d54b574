import type { RefusalCode } from '@tutti/contracts';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** One HTTP request as the client saw it. A history is a file of these, one JSON text a line, in any order. */
export type HistoryLine = {
  /** The user's id; empty when nobody was signed in. */
  readonly fan: string;
  readonly method: string;
  /** From the slash on, with its query. */
  readonly path: string;
  /** The Idempotency-Key. */
  readonly key?: string | undefined;
  /** Any digest of the request's body; equal bodies have equal ones. */
  readonly bodySha?: string | undefined;
  /** 0: no answer came. */
  readonly status: number;
  /** The answer's body, byte for byte. */
  readonly body?: string | undefined;
  readonly retryAfter?: string | undefined;
  /** Epoch milliseconds by the client's clock. */
  readonly startedAt: number;
  readonly endedAt: number;
};

export const historyLine = (line: HistoryLine): string => `${JSON.stringify(line)}\n`;

export type Effect = 'reserve' | 'pay' | 'cancel' | 'charge';

/**
 * What an answer says of its effect. `done` and `refused` are final and stored under the key; `accepted` is a 202;
 * `turned away` is a request that nobody began; of the rest the client cannot know.
 */
export type Meaning = 'done' | 'refused' | 'accepted' | 'turned away' | 'unknown';

export type Told = {
  readonly status: number;
  readonly body: string;
  readonly meaning: Meaning;
  /** Path and body of the request. */
  readonly request: string;
};

/** An effect as a fan asked for it under one key, with every different answer. */
export type Asked = {
  readonly effect: Effect;
  readonly fan: string;
  readonly route: string;
  readonly key: string;
  readonly told: Told[];
};

export type History = {
  readonly asked: readonly Asked[];
  /** Accounts that sign-ups were answered with. */
  readonly accounts: readonly string[];
  /** Requests that were told to come back and not when. */
  readonly withoutRetryAfter: readonly string[];
  readonly paths: ReadonlySet<string>;
};

const reservations = '/api/v1/reservations';
/** The scope of a key is the route's template (see the gateway's effect-route). */
const effectRoutes: readonly { effect: Effect; path: RegExp; route: string }[] = [
  { effect: 'reserve', path: /^\/api\/v1\/reservations$/, route: `POST ${reservations}` },
  {
    effect: 'pay',
    path: /^\/api\/v1\/reservations\/[^/]+\/payment$/,
    route: `POST ${reservations}/:reservationId/payment`,
  },
  {
    effect: 'cancel',
    path: /^\/api\/v1\/reservations\/[^/]+\/cancellation$/,
    route: `POST ${reservations}/:reservationId/cancellation`,
  },
  { effect: 'charge', path: /^\/api\/v1\/points\/charges$/, route: 'POST /api/v1/points/charges' },
];

/** Refusals at the door: no saga begins. */
const doorCodes: ReadonlySet<string> = new Set<RefusalCode>([
  'invalid_request',
  'idempotency_key_missing',
  'idempotency_key_invalid',
  'unauthenticated',
  'charges_disabled',
  'csrf_rejected',
  'role_required',
  'not_found',
  'method_not_allowed',
  'request_timeout',
  'header_too_large',
  'payload_too_large',
  'unsupported_media_type',
  'rate_limited',
  'overloaded',
]);
/** Something is there, or may be: another request of this key, or this one. */
const unclearCodes: ReadonlySet<string> = new Set<RefusalCode>([
  'idempotency_in_flight',
  'idempotency_key_reused',
  'outcome_unknown',
  'internal_error',
]);

function meaningOf(status: number, body: string): Meaning {
  if (status === 202) return 'accepted';
  if (status >= 200 && status < 300) return 'done';
  const code = textIn(body, 'code');
  if (status < 400 || code === undefined || unclearCodes.has(code)) return 'unknown';
  // Admission is refused at the door too, whatever its code.
  return status === 403 || doorCodes.has(code) ? 'turned away' : 'refused';
}

/** A text field of a JSON body. */
export function textIn(body: string, field: string): string | undefined {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value !== 'object' || value === null) return undefined;
    const found: unknown = Object.entries(value).find(([name]) => name === field)?.[1];
    return typeof found === 'string' ? found : undefined;
  } catch {
    return undefined;
  }
}

/** Gathers lines into what the checks ask of them; equal answers of one key are kept once. */
export class HistoryReader {
  readonly #asked = new Map<string, Asked>();
  readonly #accounts: string[] = [];
  readonly #withoutRetryAfter: string[] = [];
  readonly #paths = new Set<string>();

  add(line: HistoryLine): void {
    const { fan, method, status, retryAfter } = line;
    const body = line.body ?? '';
    const [path = ''] = line.path.split('?');
    if (line.path !== path || path.includes('%')) this.#paths.add(line.path);
    if ((status === 429 || status === 503) && !retryAfter)
      this.#withoutRetryAfter.push(
        `${method} ${path} of ${fan || 'nobody'}: ${status} ${textIn(body, 'code') ?? ''}`,
      );
    if (method !== 'POST') return;
    if (path === '/api/v1/users' && status === 201) this.#accounts.push(textIn(body, 'userId') ?? '');
    const known = effectRoutes.find((one) => one.path.test(path));
    if (known && line.key !== undefined) this.#tell(known, line, line.key, body, path);
  }

  get history(): History {
    return {
      asked: [...this.#asked.values()],
      accounts: this.#accounts,
      withoutRetryAfter: this.#withoutRetryAfter,
      paths: this.#paths,
    };
  }

  #tell(
    { effect, route }: { effect: Effect; route: string },
    line: HistoryLine,
    key: string,
    body: string,
    path: string,
  ): void {
    const { fan, status } = line;
    const scope = `${fan} ${route} ${key}`;
    const asked = this.#asked.get(scope) ?? { effect, fan, route, key, told: [] };
    this.#asked.set(scope, asked);
    const told = { status, body, meaning: meaningOf(status, body), request: `${path} ${line.bodySha ?? ''}` };
    const isKnown = asked.told.some(
      (one) => one.status === status && one.body === body && one.request === told.request,
    );
    if (!isKnown) asked.told.push(told);
  }
}

/** Reads a history file. Its last line may be cut off: the writer was killed. Any other that is no line is an error. */
export async function readHistory(file: string): Promise<History> {
  const reader = new HistoryReader();
  let number = 0;
  let faulty: number | undefined;
  for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    if (faulty !== undefined)
      throw new Error(`The history ${file} cannot be read: line ${faulty} is no request.`);
    number++;
    const line = parseLine(text);
    if (line) reader.add(line);
    else if (text !== '') faulty = number;
  }
  return reader.history;
}

function parseLine(text: string): HistoryLine | undefined {
  try {
    const line: unknown = JSON.parse(text);
    return isHistoryLine(line) ? line : undefined;
  } catch {
    return undefined;
  }
}

function isHistoryLine(line: unknown): line is HistoryLine {
  if (typeof line !== 'object' || line === null) return false;
  const {
    fan,
    method,
    path,
    status,
    key,
    bodySha,
    body,
    retryAfter,
  }: Partial<Record<keyof HistoryLine, unknown>> = line;
  const isTextOrNone = (value: unknown) => value === undefined || typeof value === 'string';
  return (
    [fan, method, path].every((value) => typeof value === 'string') &&
    typeof status === 'number' &&
    [key, bodySha, body, retryAfter].every(isTextOrNone)
  );
}
