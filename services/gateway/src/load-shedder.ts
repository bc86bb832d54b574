import { problem } from '@tutti/contracts';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { traceIdOf } from './trace.ts';

/**
 * What goes first when there is more than we can carry: looking around, then new holds and sign-ins, and last of all what
 * belongs to a hold that somebody has (paying, cancelling, asking what became of it), the promoter's brake, and the document of
 * a line, whose refusal would cost more than the answer.
 */
export type LoadClass = 'looking' | 'beginning' | 'finishing';

export type Load = {
  /** Effects that wait for their answer. */
  readonly pending: number;
  /** How late the event loop runs, in milliseconds. */
  readonly lagMs: number;
};

type Limits = { readonly pending: number; readonly lagMs: number };

// Half a thousand effects in flight fill the batches; more of them only wait longer for the same rate. Lateness alone is a
// poor judge, because refusing makes late too: it only counts when it is far out of the ordinary.
const limits: Readonly<Record<LoadClass, Limits>> = {
  looking: { pending: 512, lagMs: 500 },
  beginning: { pending: 640, lagMs: 1_000 },
  finishing: { pending: 4_096, lagMs: 5_000 },
};

/** Decides before anything is read, authenticated or validated: refusing must cost next to nothing. */
export function isShed(load: Load, loadClass: LoadClass): boolean {
  const { pending, lagMs } = limits[loadClass];
  return load.pending >= pending || load.lagMs >= lagMs;
}

/** By method and path alone. */
export function loadClassOf(method: string, url: string): LoadClass | 'never shed' {
  if (!url.startsWith('/api/')) return 'never shed';
  if (/^\/api\/v1\/(admin\/|concerts\/[^/?]+\/queue(\?|$))/.test(url)) return 'finishing';
  if (method === 'GET' || method === 'HEAD')
    return /^\/api\/v1\/(reservations|operations|points)/.test(url) ? 'finishing' : 'looking';
  return /^\/api\/v1\/reservations\/./.test(url) ? 'finishing' : 'beginning';
}

const sampleMs = 50;
const heldMax = 20_000;
const holdMs = { min: 700, max: 1_500 };

type Held = {
  readonly response: ServerResponse;
  readonly text: string;
  readonly retryAfter: number;
  readonly dueAt: number;
};

/**
 * Refuses requests with 503 while the gateway has more than it can carry.
 *
 * A refusal takes its time, about a second: a client waits for it before it can ask again on that connection. Answered at
 * once, a crowd would come back as fast as it is refused, and refusing would become all that we do.
 */
export class LoadShedder {
  readonly #pending: () => number;
  readonly #timer: NodeJS.Timeout;
  readonly #held: Held[] = [];
  #lagMs = 0;
  #shed = 0;
  readonly shedCounts: Record<LoadClass, number> = { looking: 0, beginning: 0, finishing: 0 };

  constructor(pending: () => number) {
    this.#pending = pending;
    let due = performance.now() + sampleMs;
    this.#timer = setInterval(() => {
      const now = performance.now();
      // Falls slowly, so that one quiet moment does not open the door to everybody at once.
      this.#lagMs = Math.max(now - due, this.#lagMs / 2);
      due = now + sampleMs;
      this.#release(now);
    }, sampleMs);
    this.#timer.unref();
  }

  /** Answers the request, in a moment, when it has to be refused; returns whether it does. */
  refuses(request: IncomingMessage, response: ServerResponse): boolean {
    const loadClass = loadClassOf(request.method ?? 'GET', request.url ?? '/');
    if (loadClass === 'never shed') return false;
    if (!isShed({ pending: this.#pending(), lagMs: this.#lagMs }, loadClass)) return false;
    this.#shed++;
    this.shedCounts[loadClass]++;
    // What the client still sends is read and dropped, so that the connection can be used again.
    request.resume();
    const text = JSON.stringify(problem('overloaded', traceIdOf(request)));
    // One to three seconds: those who were refused together do not come back together.
    const held = { response, text, retryAfter: 1 + (this.#shed % 3) };
    if (this.#held.length >= heldMax) answer(held);
    else
      this.#held.push({
        ...held,
        dueAt: performance.now() + holdMs.min + Math.random() * (holdMs.max - holdMs.min),
      });
    return true;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#release(Number.POSITIVE_INFINITY);
  }

  #release(now: number): void {
    let kept = 0;
    for (const held of this.#held) {
      if (held.dueAt <= now) answer(held);
      else this.#held[kept++] = held;
    }
    this.#held.length = kept;
  }
}

function answer({ response, text, retryAfter }: Omit<Held, 'dueAt'>): void {
  response.writeHead(503, {
    'content-type': 'application/problem+json',
    'retry-after': String(retryAfter),
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
