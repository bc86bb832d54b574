import { createServer, type IncomingMessage, type Server } from 'node:http';

export type Answer = { readonly status: number; readonly type?: string; readonly body: string };

/** By method and path: `GET /readyz`. The query and the body are given as they came. */
export type Routes = Readonly<
  Record<
    string,
    (request: {
      headers: IncomingMessage['headers'];
      query: URLSearchParams;
      body: string;
    }) => Promise<Answer>
  >
>;

const bodyCharsMax = 65_536;
const requestTimeoutMs = 10_000;

/** The small private door of a process: whether it lives, whether it is ready, what it counts. Never open to the public. */
export async function openHealthServer(host: string, port: number, routes: Routes): Promise<Server> {
  const server = createServer({ requestTimeout: requestTimeoutMs }, (request, response) => {
    void answer(routes, request).then(({ status, type = 'application/json', body }) => {
      response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
      response.end(body);
    });
  });
  await new Promise<void>((done, failed) => {
    server.once('error', failed);
    server.listen(port, host, done);
  });
  return server;
}

async function answer(routes: Routes, request: IncomingMessage): Promise<Answer> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const route = routes[`${request.method} ${url.pathname}`];
  if (!route) return { status: 404, body: '{"code":"not_found"}' };
  try {
    const body = await bodyOf(request);
    return await route({ headers: request.headers, query: url.searchParams, body });
  } catch {
    return { status: 500, body: '{"code":"internal_error"}' };
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  request.setEncoding('utf8');
  for await (const chunk of request) {
    body += String(chunk);
    if (body.length > bodyCharsMax) throw new Error('The body is too long.');
  }
  return body;
}
