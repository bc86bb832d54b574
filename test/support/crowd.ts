import { HistoryReader, type History, type HistoryLine } from '@tutti/standalone/audit/history';
import { randomUUID } from 'node:crypto';
import { field, type Fan, type Reply } from './client.ts';

/** One effect that was answered for good. */
export type Answered = {
  readonly kind: 'charge' | 'reserve' | 'pay' | 'cancel';
  readonly fan: Fan;
  readonly key: string;
  readonly reply: Reply;
  readonly repeat: () => Promise<Reply>;
  /** The reservation it was about, if it named one. */
  readonly reservationId?: string;
};

const reservations = '/api/v1/reservations';

/** Fans who go on reserving, paying and cancelling until told to stop, whatever happens to the system meanwhile. */
export class Crowd {
  readonly answered: Answered[] = [];
  /** Answers that were neither an outcome nor "later", as they came. */
  readonly strange: string[] = [];
  /** Requests that nobody could serve just then (5xx, or a broken connection); each was asked again. */
  readonly unserved: string[] = [];
  /** Answers that said "not yet" (202). */
  postponed = 0;
  /** Of every request, in the order in which they ended. */
  readonly latenciesMs: number[] = [];
  /** Every request with its answer, for the audit. */
  readonly #history: HistoryReader;
  readonly #seatIds: readonly string[];
  readonly #performanceId: string;
  readonly #random: () => number;
  readonly #patienceMs: number;
  #going = true;
  readonly #walks: Promise<void>[] = [];

  constructor(options: {
    performanceId: string;
    seatIds: readonly string[];
    random: () => number;
    history?: HistoryReader;
    /** How long a fan asks for the outcome of one key before that is called strange. */
    patienceMs?: number;
  }) {
    this.#history = options.history ?? new HistoryReader();
    this.#performanceId = options.performanceId;
    this.#seatIds = options.seatIds;
    this.#random = options.random;
    this.#patienceMs = options.patienceMs ?? 90_000;
  }

  /** Fans who charge `points` first: with few of them everything is too dear, and its payment is undone. */
  send(fans: readonly Fan[], points = 3_000): void {
    this.#walks.push(...fans.map((fan) => this.#walk(fan, points)));
  }

  /** How many fans there are. */
  get size(): number {
    return this.#walks.length;
  }

  get history(): History {
    return this.#history.history;
  }

  /** Resolves when every fan has the answer to what they asked last. */
  async stop(): Promise<void> {
    this.#going = false;
    await Promise.all(this.#walks);
  }

  async #walk(fan: Fan, points: number): Promise<void> {
    await this.#insist('charge', fan, '/api/v1/points/charges', { amount: points });
    const kept: string[] = [];
    const cancel = (id: string) =>
      this.#insist('cancel', fan, `${reservations}/${id}/cancellation`, undefined, id);
    while (this.#going) {
      const seats = Array.from({ length: 1 + Math.floor(this.#random() * 2) }, () => this.#anySeat());
      const reserved = await this.#insist('reserve', fan, reservations, {
        performanceId: this.#performanceId,
        seatIds: [...new Set(seats)],
      });
      // Nobody may keep more than six seats: who has too many gives some back, or there would soon be nothing but refusals.
      if (reserved && codeOf(reserved) === 'seat_limit_exceeded')
        for (const id of kept.splice(0)) await cancel(id);
      if (reserved?.status !== 201) continue;
      const id = String(field(reserved.body, 'reservationId'));
      if (this.#random() < 0.8)
        await this.#insist('pay', fan, `${reservations}/${id}/payment`, undefined, id);
      if (this.#random() < 0.9) await cancel(id);
      else kept.push(id);
    }
  }

  async #ask(fan: Fan, path: string, body: object | undefined, key: string): Promise<Reply> {
    const line = { fan: fan.userId, method: 'POST', path, key, bodySha: JSON.stringify(body ?? {}) };
    const startedAt = Date.now();
    const note = (answer: Pick<HistoryLine, 'status' | 'body' | 'retryAfter'>) => {
      this.latenciesMs.push(Date.now() - startedAt);
      if (answer.status === 0 || answer.status >= 500)
        this.unserved.push(`${answer.status} ${path}: ${answer.body ?? ''}`);
      this.#history.add({ ...line, ...answer, startedAt, endedAt: Date.now() });
    };
    try {
      const reply = await fan.post(path, body, key);
      note({
        status: reply.status,
        body: reply.text,
        retryAfter: reply.headers.get('retry-after') ?? undefined,
      });
      return reply;
    } catch (error) {
      note({ status: 0 });
      throw error;
    }
  }

  #anySeat(): string {
    return this.#seatIds[Math.floor(this.#random() * this.#seatIds.length)] ?? '';
  }

  /** What the README tells clients to do: the same key until there is an outcome. */
  async #insist(
    kind: Answered['kind'],
    fan: Fan,
    path: string,
    body?: object,
    reservationId?: string,
  ): Promise<Reply | undefined> {
    const key = randomUUID();
    const ask = () => this.#ask(fan, path, body, key);
    for (const giveUpAt = Date.now() + this.#patienceMs; Date.now() < giveUpAt; ) {
      const reply = await ask().catch(() => undefined);
      if (reply && isOutcome(reply)) {
        const about = reservationId === undefined ? {} : { reservationId };
        this.answered.push({ kind, fan, key, reply, repeat: ask, ...about });
        return reply;
      }
      if (reply?.status === 202) this.postponed++;
      if (reply && !isLater(reply)) this.strange.push(`${kind}: ${reply.status} ${reply.text}`);
      await new Promise((later) => setTimeout(later, 20 + this.#random() * 80));
    }
    this.strange.push(`${kind}: no outcome for the key ${key}`);
    return undefined;
  }
}

const codeOf = ({ body }: Reply): string =>
  typeof body === 'object' && body !== null && 'code' in body ? String(body.code) : '';

const isOutcome = (reply: Reply): boolean =>
  reply.status === 200 ||
  reply.status === 201 ||
  (reply.status >= 400 && reply.status < 500 && codeOf(reply) !== 'idempotency_in_flight') ||
  codeOf(reply) === 'timed_out';

const isLater = (reply: Reply): boolean => [202, 409, 429, 503, 504].includes(reply.status);
