import { Pool } from 'undici';

/** What brings a delivery to the promoter's system, and back the status that it answered. */
export type Wire = {
  post(headers: Record<string, string>, body: string): Promise<number>;
  close(): Promise<void>;
};

const connectionsMax = 16;
const requestTimeoutMs = 10_000;

/** HTTP, over as many connections as one receiver may be expected to bear. */
export class HttpWire implements Wire {
  readonly #url: URL;
  readonly #pool: Pool;

  constructor(url: URL) {
    this.#url = url;
    this.#pool = new Pool(url.origin, {
      connections: connectionsMax,
      headersTimeout: requestTimeoutMs,
      bodyTimeout: requestTimeoutMs,
      connect: { timeout: requestTimeoutMs },
    });
  }

  async post(headers: Record<string, string>, body: string): Promise<number> {
    const { pathname, search } = this.#url;
    const answer = await this.#pool.request({ path: pathname + search, method: 'POST', headers, body });
    await answer.body.dump();
    return answer.statusCode;
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }
}
