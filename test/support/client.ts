import { randomUUID } from 'node:crypto';

export type Reply = { status: number; headers: Headers; text: string; body: unknown };

/** What a fan's device does: requests with their access token, and a new key for every new intent. */
export class Fan {
  readonly address: string;
  readonly userId: string;
  readonly accessToken: string;

  constructor(address: string, userId: string, accessToken: string) {
    this.address = address;
    this.userId = userId;
    this.accessToken = accessToken;
  }

  /** The same fan at another address, such as after a restart. */
  at(address: string): Fan {
    return new Fan(address, this.userId, this.accessToken);
  }

  get(path: string): Promise<Reply> {
    return request(this.address, 'GET', path, { headers: this.#headers() });
  }

  /** An effect. The same `key` again is the same intent again. */
  post(
    path: string,
    body?: object,
    key: string = randomUUID(),
    headers: Record<string, string> = {},
  ): Promise<Reply> {
    return request(this.address, 'POST', path, {
      headers: { ...this.#headers(), 'idempotency-key': key, ...headers },
      ...(body && { body }),
    });
  }

  reserve(performanceId: string, seatIds: readonly string[], key?: string): Promise<Reply> {
    return this.post('/api/v1/reservations', { performanceId, seatIds }, key);
  }

  pay(reservationId: string, key?: string): Promise<Reply> {
    return this.post(`/api/v1/reservations/${reservationId}/payment`, undefined, key);
  }

  charge(amount: number, key?: string): Promise<Reply> {
    return this.post('/api/v1/points/charges', { amount }, key);
  }

  async balance(): Promise<unknown> {
    return field((await this.get('/api/v1/points')).body, 'balance');
  }

  #headers(): Record<string, string> {
    return { authorization: `Bearer ${this.accessToken}` };
  }
}

type RequestOptions = { headers?: Record<string, string>; body?: object | string };

/** One HTTP request; the body is parsed when it is JSON. */
export async function request(
  address: string,
  method: string,
  path: string,
  { headers = {}, body }: RequestOptions = {},
): Promise<Reply> {
  const response = await fetch(address + path, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    signal: AbortSignal.timeout(30_000),
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson ? JSON.parse(text) : undefined,
  };
}

/** A field of a JSON body; throws when it is not there, which is what a test wants. */
export function field(body: unknown, name: string): unknown {
  if (typeof body !== 'object' || body === null || !(name in body))
    throw new Error(`There is no ${name} in the body.`);
  return Object.entries(body).find(([key]) => key === name)?.[1];
}

export function text(body: unknown, name: string): string {
  const value = field(body, name);
  if (typeof value !== 'string') throw new Error(`${name} is not a text.`);
  return value;
}

export function list(body: unknown, name: string): unknown[] {
  const value = field(body, name);
  if (!Array.isArray(value)) throw new Error(`${name} is not a list.`);
  return value;
}
