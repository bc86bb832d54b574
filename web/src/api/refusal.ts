import type { RefusalCode } from '@tutti/contracts';

/** The server's no, by its stable code, which may be newer than this page. What else it told is read by name: nothing here trusts its shape. */
export class Refusal extends Error {
  readonly code: string;
  readonly status: number;
  readonly retryAfterSeconds: number | null;
  readonly #told: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    status: number,
    told: Readonly<Record<string, unknown>>,
    retryAfterSeconds: number | null,
  ) {
    super(code);
    this.name = 'Refusal';
    this.code = code;
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
    this.#told = told;
  }

  number(name: string): number | null {
    const value = this.#told[name];
    return typeof value === 'number' ? value : null;
  }

  text(name: string): string | null {
    const value = this.#told[name];
    return typeof value === 'string' ? value : null;
  }

  list(name: string): readonly unknown[] {
    const value = this.#told[name];
    return Array.isArray(value) ? value : [];
  }
}

/** No answer: the network or the server is away. Whether the request was heard is not known. */
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super('unreachable', { cause });
    this.name = 'Unreachable';
  }
}

/** The waiting room's, which the contracts do not list yet. */
type LineCode =
  | 'admission_required'
  | 'admission_expired'
  | 'admission_invalid'
  | 'no_waiting_room'
  | 'not_your_turn'
  | 'queue_token_invalid';

export const isRefusal = (error: unknown, ...codes: readonly (RefusalCode | LineCode)[]): error is Refusal =>
  error instanceof Refusal && (codes.length === 0 || codes.some((code) => code === error.code));
