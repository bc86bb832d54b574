import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { freePort } from '@tutti/kit/service';
import { until } from '../../src/waiting.ts';

const guard = `"$1" & server=$!
cat <&3 >/dev/null
kill "$server"
wait "$server"`;

export type RestateServer = { readonly ingress: URL; readonly admin: URL; stop(): Promise<void> };

/** A single durable node, as its package brings it, on ports of its own; `partitions` as for a new cluster. */
export async function startRestateServer(folder: string, partitions: string): Promise<RestateServer> {
  mkdirSync(folder, { recursive: true });
  const [ingress, admin, node] = [await freePort(), await freePort(), await freePort()];
  const log = openSync(path.join(folder, 'server.log'), 'a', 0o600);
  // However this process ends, the kernel closes the pipe, and then the shell ends the server.
  const child = spawn('sh', ['-c', guard, 'restate-guard', programPath()], {
    stdio: ['ignore', log, log, 'pipe'],
    env: {
      ...process.env,
      RESTATE_BASE_DIR: path.join(folder, 'data'),
      RESTATE_NODE_NAME: 'bench',
      RESTATE_LISTEN_MODE: 'tcp',
      RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
      RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${node}/`,
      RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
      RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
      RESTATE_ADMIN__DISABLE_WEB_UI: 'true',
      RESTATE_DEFAULT_NUM_PARTITIONS: partitions,
      RESTATE_DISABLE_TELEMETRY: 'true',
      RESTATE_LOG_FILTER: 'warn',
    },
  });
  const end = new Promise<void>((done) => child.once('close', () => done()));
  const server = {
    ingress: new URL(`http://127.0.0.1:${ingress}/`),
    admin: new URL(`http://127.0.0.1:${admin}/`),
    stop: async () => {
      child.stdio[3]?.destroy();
      await end;
    },
  };
  const answers = (url: URL): Promise<boolean> =>
    fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
  const isUp = async () =>
    (await answers(new URL('health', server.admin))) &&
    (await answers(new URL('restate/health', server.ingress)));
  try {
    await until('restate-server is up', isUp, 60_000, 50);
  } catch (cause) {
    await server.stop();
    throw new Error(`restate-server does not come up; its log is ${folder}/server.log`, { cause });
  }
  return server;
}

/** The program itself: the package's own starter would be one process more. */
function programPath(): string {
  const starter = createRequire(import.meta.url).resolve('@restatedev/restate-server/package.json');
  const name = `@restatedev/restate-server-${process.platform}-${process.arch}/package.json`;
  return path.join(path.dirname(createRequire(starter).resolve(name)), 'bin/restate-server');
}
