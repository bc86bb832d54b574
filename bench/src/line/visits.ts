import { Connection, type Answer } from '../connection.ts';
import { pause } from '../waiting.ts';
import { documentFrom } from './crowd-run.ts';

/** A fan's place, as it was told. */
export type Ticket = { readonly number: number; readonly queueToken: string; readonly headers: string };

const everyMs = 250;
const knocksMax = 50;
const visitMs = 10_000;

/**
 * Fans who go in when it is their turn, choose for about ten seconds and leave, over a connection of their own: so the line
 * moves as it does in a sale. One after the other, because there are only as many a second as the sale lets in.
 */
export class Visits {
  readonly #concert: string;
  readonly #connection: Connection;
  readonly #waiting: Ticket[];
  readonly #random: () => number;
  #inside: { readonly ticket: Ticket; readonly leavesAt: number }[] = [];
  #isOver = false;
  readonly #running: Promise<void>;
  #entered = 0;

  constructor(port: number, concert: string, tickets: readonly Ticket[], random: () => number) {
    this.#concert = concert;
    this.#connection = new Connection('127.0.0.1', port);
    // The next one last.
    this.#waiting = tickets.toSorted((one, other) => other.number - one.number);
    this.#random = random;
    this.#running = this.#run();
    // Told by `stop`; until then nobody waits for it.
    this.#running.catch(() => {});
  }

  /** Returns how many went in. */
  async stop(): Promise<number> {
    this.#isOver = true;
    await this.#running.finally(() => this.#connection.close());
    return this.#entered;
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      await this.#leave();
      const { body } = expected(await this.#connection.get(`${this.#concert}/queue`, ''), 200);
      const { serving } = documentFrom(body);
      for (let knocks = 0; knocks < knocksMax && (await this.#enter(serving)); knocks++);
      await pause(everyMs);
    }
  }

  /** False when nobody else can go in now. */
  async #enter(serving: number): Promise<boolean> {
    const next = this.#waiting.at(-1);
    if (!next || next.number > serving) return false;
    const body = JSON.stringify({ queueToken: next.queueToken });
    const answer = await this.#connection.post(`${this.#concert}/admissions`, next.headers, body);
    if (answer.status === 409) return false;
    expected(answer, 201);
    this.#entered++;
    this.#waiting.pop();
    this.#inside.push({ ticket: next, leavesAt: performance.now() + visitMs * (0.5 + this.#random()) });
    return true;
  }

  async #leave(): Promise<void> {
    const now = performance.now();
    const leaving = this.#inside.filter(({ leavesAt }) => leavesAt <= now);
    this.#inside = this.#inside.filter(({ leavesAt }) => leavesAt > now);
    for (const { ticket } of leaving)
      expected(await this.#connection.delete(`${this.#concert}/admissions`, ticket.headers), 204);
  }
}

function expected(answer: Answer, status: number): Answer {
  if (answer.status !== status) throw new Error(`A visit was answered ${answer.status}: ${answer.body}`);
  return answer;
}
