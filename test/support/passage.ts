import { freePort } from '@tutti/kit/service';
import { createServer, connect, type NetConnectOpts, type Server, type Socket } from 'node:net';

/** Which way bytes go: to the server that is behind the passage, or back. */
export type Way = 'there' | 'back';

/** What changes bytes on their way; one for each connection. `pass` lets bytes go on, now or later, and `end` ends the connection. */
export type Tamper = (end: () => void) => Readonly<Record<Way, (chunk: Buffer, pass: Pass) => void>>;
type Pass = (bytes: Buffer) => void;

type Pair = { readonly client: Socket; readonly server: Socket };

/**
 * A TCP door before one server for one of those who use it. It lets everything through until told otherwise; where it leads may
 * change at any time and holds for new connections.
 */
export class Passage {
  readonly port: number;
  target: NetConnectOpts | undefined;
  /** For connections that are made from now on. */
  tamper: Tamper | undefined;
  /** Connections that were made, and bytes that were held back: to see that a fault took place. */
  readonly counts = { connections: 0, swallowedBytes: 0, broken: 0 };
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #cut = new Set<Way>();
  #delayMs = 0;
  #isRefusing = false;

  private constructor(port: number) {
    this.port = port;
    this.#server = createServer((client) => this.#accept(client));
  }

  /** On this machine's own address, or one that others can reach. */
  static async open(host = '127.0.0.1'): Promise<Passage> {
    const passage = new Passage(await freePort());
    await new Promise<void>((done) => passage.#server.listen(passage.port, host, done));
    return passage;
  }

  /** From here on nothing arrives that way; connections stay open and nobody is told, as when a cable is cut. */
  cut(...ways: Way[]): void {
    for (const way of ways) this.#cut.add(way);
  }

  /** Every chunk takes so much longer. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** New connections are closed at once. */
  refuse(): void {
    this.#isRefusing = true;
  }

  /** All connections end, as when the other side dies. */
  break(): void {
    for (const { client, server } of this.#pairs) {
      this.counts.broken++;
      client.resetAndDestroy();
      server.destroy();
    }
  }

  /** Everything goes through again; connections in which something was held back end, for their bytes are incomplete. */
  heal(): void {
    if (this.#cut.size > 0) this.break();
    this.#cut.clear();
    this.#delayMs = 0;
    this.#isRefusing = false;
    this.tamper = undefined;
  }

  async close(): Promise<void> {
    this.break();
    await new Promise((done) => this.#server.close(done));
  }

  #accept(client: Socket): void {
    const { target } = this;
    client.on('error', () => {});
    if (this.#isRefusing || !target) return void client.resetAndDestroy();
    this.counts.connections++;
    const server = connect(target);
    const pair = { client, server };
    this.#pairs.add(pair);
    server.on('error', () => {});
    const end = () => {
      this.#pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.once('close', end);
    }
    const tamper = this.tamper?.(end);
    this.#carry('there', client, server, tamper?.there);
    this.#carry('back', server, client, tamper?.back);
  }

  #carry(way: Way, from: Socket, to: Socket, tamper?: (chunk: Buffer, pass: Pass) => void): void {
    const send: Pass = (bytes) => {
      if (this.#cut.has(way)) this.counts.swallowedBytes += bytes.length;
      else if (!to.destroyed && !to.write(bytes)) {
        from.pause();
        to.once('drain', () => from.resume());
      }
    };
    const pass: Pass = (bytes) => {
      if (this.#delayMs > 0) setTimeout(send, this.#delayMs, bytes);
      else send(bytes);
    };
    from.on('data', (chunk: Buffer) => (tamper ? tamper(chunk, pass) : pass(chunk)));
  }
}

/**
 * For a database: now and then a request is carried out and its answer never heard, because the connection ends just then. Whoever
 * asked cannot know whether it was committed.
 */
export function unheardAnswers(isNow: () => boolean, happened: () => void): Tamper {
  return (end) => {
    let isUnheard = false;
    return {
      there: (chunk, pass) => {
        isUnheard ||= isNow();
        pass(chunk);
      },
      back: (chunk, pass) => {
        if (!isUnheard) return pass(chunk);
        happened();
        end();
      },
    };
  };
}
