// The promoter's system, as all systems meet it: a process of its own that checks the signature and remembers what it was
// told. Prints `listening <port>`. GET / tells how many reservations it knows, GET /all tells which.

import { whenParentLeaves } from '@tutti/kit/service';
import { WebhookSigner } from '@tutti/partner';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

const signer = new WebhookSigner(process.env['PARTNER_SECRET'] ?? '');
const times = new Map<string, number>();
let rejected = 0;

function receive(request: IncomingMessage, response: ServerResponse): void {
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => {
    body += chunk;
  });
  request.on('end', () => {
    const {
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signature,
    } = request.headers;
    const isOurs = signer.isOurs(String(id), String(timestamp), String(signature), body);
    if (isOurs) {
      const reservationId = /"reservationId"\s*:\s*"([0-9a-f-]{36})"/.exec(body)?.[1] ?? body;
      times.set(reservationId, (times.get(reservationId) ?? 0) + 1);
    } else rejected++;
    response.writeHead(isOurs ? 204 : 401).end();
  });
}

const server = createServer((request, response) => {
  if (request.method === 'POST') receive(request, response);
  else if (request.url === '/all') response.end(JSON.stringify([...times]));
  else response.end(JSON.stringify({ known: times.size, rejected }));
});
server.keepAliveTimeout = 120_000;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`listening ${typeof address === 'object' && address ? address.port : 0}\n`);
});
const leave = () => process.exit(0);
process.on('SIGTERM', leave);
process.on('SIGINT', leave);
whenParentLeaves(leave);
