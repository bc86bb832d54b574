import { connect, type Socket } from 'node:net';

export type Answer = {
  readonly status: number;
  readonly body: string;
  readonly retryAfter: string | undefined;
};

type Waiting = { done: (answer: Answer) => void; failed: (error: Error) => void };

/**
 * A keep-alive HTTP/1.1 connection that does one request at a time and as little work as possible: the generator shares two
 * cores with what it measures. It understands answers with a Content-Length, which is all that the systems here send.
 */
export class Connection {
  readonly #host: string;
  readonly #port: number;
  #socket: Socket | undefined;
  #received = '';
  #waiting: Waiting | undefined;

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
  }

  /** Nothing was sent on it yet. */
  get isNew(): boolean {
    return this.#socket === undefined;
  }

  post(path: string, headers: string, body: string): Promise<Answer> {
    const length = Buffer.byteLength(body);
    const kind = length > 0 ? 'content-type: application/json\r\n' : '';
    return this.#send(
      `POST ${path} HTTP/1.1\r\nhost: ${this.#host}\r\n${headers}${kind}content-length: ${length}\r\n\r\n${body}`,
    );
  }

  get(path: string, headers: string): Promise<Answer> {
    return this.#send(`GET ${path} HTTP/1.1\r\nhost: ${this.#host}\r\n${headers}\r\n`);
  }

  delete(path: string, headers: string): Promise<Answer> {
    return this.#send(`DELETE ${path} HTTP/1.1\r\nhost: ${this.#host}\r\n${headers}\r\n`);
  }

  close(): void {
    this.#socket?.destroy();
  }

  #send(request: string): Promise<Answer> {
    if (this.#waiting) return Promise.reject(new Error('The connection is busy.'));
    return new Promise((done, failed) => {
      this.#waiting = { done, failed };
      this.#open().write(request);
    });
  }

  #open(): Socket {
    if (this.#socket && !this.#socket.destroyed) return this.#socket;
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true });
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => this.#onData(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('The connection was closed.')));
    this.#received = '';
    this.#socket = socket;
    return socket;
  }

  #onData(chunk: string): void {
    this.#received = this.#received === '' ? chunk : this.#received + chunk;
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const head = this.#received.slice(0, headEnd).toLowerCase();
    const length = Number(/\r\ncontent-length: (\d+)/.exec(head)?.[1] ?? 0);
    const bodyEnd = headEnd + 4 + length;
    if (this.#received.length < bodyEnd) return;
    const answer: Answer = {
      status: Number(head.slice(9, 12)),
      body: this.#received.slice(headEnd + 4, bodyEnd),
      retryAfter: /\r\nretry-after: (\d+)/.exec(head)?.[1],
    };
    this.#received = this.#received.slice(bodyEnd);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.done(answer);
  }

  #fail(error: Error): void {
    this.#socket = undefined;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.failed(error);
  }
}
