import * as http from '@tutti/contracts/http';
import { until } from '@tutti/kit/testing';

export type SeatEvent = { readonly id: number; readonly event: string; readonly data: unknown };

/** A listener to server-sent events, as a browser is one. */
export class EventStream {
  readonly status: number;
  readonly headers: Headers;
  readonly events: SeatEvent[] = [];
  /** The last id, also one that came without an event. */
  lastId = -1;
  hasEnded = false;
  comments = 0;
  readonly #stop: AbortController;

  private constructor(response: Response, stop: AbortController) {
    this.status = response.status;
    this.headers = response.headers;
    this.#stop = stop;
    void this.#read(response).then(
      () => {
        this.hasEnded = true;
      },
      () => {
        this.hasEnded = true;
      },
    );
  }

  static async open(address: string, headers: Record<string, string> = {}): Promise<EventStream> {
    const stop = new AbortController();
    return new EventStream(await fetch(address, { headers, signal: stop.signal }), stop);
  }

  close(): void {
    this.#stop.abort();
  }

  /** The first event for which this is true. */
  async next(what: string, isIt: (event: SeatEvent) => boolean = () => true): Promise<SeatEvent> {
    await until(what, () => this.events.some(isIt));
    const event = this.events.find(isIt);
    if (!event) throw new Error('It was there a moment ago.');
    return event;
  }

  async #read(response: Response): Promise<void> {
    let rest = '';
    const text = new TextDecoder();
    for await (const part of response.body ?? []) {
      rest += text.decode(part, { stream: true });
      const blocks = rest.split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) this.#take(block);
    }
  }

  #take(block: string): void {
    const fields = new Map(
      block.split('\n').map((line) => [line.split(':')[0], line.replace(/^\w*: ?/, '')]),
    );
    if (block.startsWith(':')) this.comments++;
    const id = fields.get('id');
    if (id !== undefined) this.lastId = Number(id);
    const data = fields.get('data');
    if (data === undefined) return;
    const event = fields.get('event') ?? 'message';
    const shape = event === 'reset' ? http.seatReset : http.seatChanges;
    this.events.push({ id: Number(id), event, data: shape.strict().parse(JSON.parse(data)) });
  }
}
