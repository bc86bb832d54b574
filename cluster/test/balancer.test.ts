import { problem, type RefusalCode } from '@tutti/contracts';
import { ensureProgram, freePort } from '@tutti/kit/service';
import { until } from '@tutti/kit/testing';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { balancerConfig } from '../src/balancer.ts';

// What a fan is told where there is no gateway to tell it.
let folder: string;
let address: string;
let balancer: ChildProcess;
let gateway: Server;
let isReady = true;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tutti-balancer-'));
  const [port, door] = [await freePort(), await freePort()];
  gateway = createServer((request, response) => {
    if (request.url === '/readyz') response.writeHead(isReady ? 200 : 503).end();
    // It dies with the request: nothing of an answer was sent.
    else request.socket.destroy();
  });
  gateway.listen(port, '127.0.0.1');
  const template = await readFile(new URL('../../deploy/haproxy.cfg', import.meta.url), 'utf8');
  const replicas = [{ service: 'gateway', number: 1, port, healthPort: port }] as const;
  const file = path.join(folder, 'haproxy.cfg');
  await writeFile(file, balancerConfig(template, { bind: `127.0.0.1:${door}`, host: '127.0.0.1', replicas }));
  const program = await ensureProgram({ program: 'haproxy', debianPackage: 'haproxy' }, () => {});
  balancer = spawn(program, ['-db', '-f', file], { stdio: 'ignore' });
  address = `http://127.0.0.1:${door}`;
  await until('it listens', () =>
    pay().then(
      () => true,
      () => false,
    ),
  );
});
afterAll(async () => {
  balancer.kill('SIGKILL');
  gateway.close();
  await rm(folder, { recursive: true, force: true });
});

/** On a connection of its own: the balancer closes one that it gave its own answer on. */
function pay(): Promise<Response> {
  const headers = { connection: 'close' };
  return fetch(`${address}/api/v1/reservations/1/payment`, { method: 'POST', headers });
}

async function expectProblem(response: Response, code: RefusalCode): Promise<void> {
  const traceId: unknown = expect.stringMatching(/^[0-9a-f]{32}$/);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(await response.json()).toEqual({ ...problem(code, ''), traceId });
}

test('a gateway dies with a request: whether it was accepted is not known', async () => {
  const response = await pay();
  expect(response.status).toBe(504);
  await expectProblem(response, 'outcome_unknown');
});

test('there is no gateway: come again, and when', async () => {
  isReady = false;
  await until('the balancer has seen it', async () => (await pay()).status === 503);
  const response = await pay();
  expect(response.headers.get('retry-after')).toBe('1');
  await expectProblem(response, 'overloaded');
});

test('it says so as often as it is asked, and lives', async () => {
  for (let time = 0; time < 200; time++) expect([503, 504]).toContain((await pay()).status);
  expect(balancer.exitCode ?? balancer.signalCode).toBeNull();
});
