import { request as httpRequest } from 'node:http';
import type { Reply } from './client.ts';

export type Raw = {
  readonly method: string;
  /** As it goes on the wire: nothing is normalised or encoded. */
  readonly path: string;
  /** A list of values is sent as that many lines. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
};

/** A request that no polite client would send; `fetch` would mend its path and its headers. */
export function sendRaw(address: string, { method, path, headers = {}, body }: Raw): Promise<Reply> {
  const { hostname, port } = new URL(address);
  const lines = Object.entries(headers).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : [...value],
  ]);
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      { hostname, port, method, path, headers: Object.fromEntries(lines), timeout: 30_000 },
      (incoming) => {
        const parts: Buffer[] = [];
        incoming.on('data', (part: Buffer) => parts.push(part));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const text = Buffer.concat(parts).toString();
          const got = new Headers();
          for (const [name, values] of Object.entries(incoming.headersDistinct))
            for (const value of values ?? []) got.append(name, value);
          const isJson = /json/.test(got.get('content-type') ?? '') && text !== '';
          resolve({
            status: incoming.statusCode ?? 0,
            headers: got,
            text,
            body: isJson ? JSON.parse(text) : undefined,
          });
        });
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error(`No answer to ${method} ${path} in 30 s.`)));
    outgoing.on('error', reject);
    const isChunked = 'transfer-encoding' in headers;
    if (body !== undefined && !isChunked) outgoing.setHeader('content-length', Buffer.byteLength(body));
    outgoing.end(body);
  });
}
