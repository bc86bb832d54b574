import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ensureProgram, freePort, startProgram, type RunningProgram } from '../service/index.ts';
import { until } from './conditions.ts';

export type NatsServer = {
  readonly url: string;
  readonly pid: number;
  readonly storeDir: string;
  /** In order; removes the store if it was made here. */
  stop(): Promise<void>;
  /** As a power cut for the process; the store stays. */
  kill(): Promise<void>;
  /** On the same port and store, after `kill`; or in order, where it still runs. */
  restart(): Promise<void>;
};

const startMsMax = 10_000;

/** A private nats-server with JetStream, from the Debian package. `config` is added to its configuration. */
export async function startNats({
  config = '',
  storeDir,
}: { config?: string; storeDir?: string } = {}): Promise<NatsServer> {
  const program = await ensureProgram(
    { program: 'nats-server', debianPackage: 'nats-server' },
    // A test run says nothing of its own.
    () => {},
  );
  const folder = await mkdtemp(path.join(tmpdir(), 'tutti-nats-'));
  const store = storeDir ?? path.join(folder, 'store');
  const port = await freePort();
  const file = path.join(folder, 'nats-server.conf');
  await writeFile(
    file,
    `listen: "127.0.0.1:${port}"\njetstream { store_dir: ${JSON.stringify(store)} }\n${config}\n`,
  );
  let running = await started(program, file, port);
  return {
    url: `nats://127.0.0.1:${port}`,
    get pid() {
      return running.pid;
    },
    storeDir: store,
    stop: async () => {
      await running.stop();
      await rm(folder, { recursive: true, force: true });
    },
    kill: () => running.stop('SIGKILL'),
    restart: async () => {
      await running.stop();
      running = await started(program, file, port);
    },
  };
}

async function started(program: string, file: string, port: number): Promise<RunningProgram> {
  const running = startProgram(program, ['-c', file]);
  let failure: string | undefined;
  void running.ended.then(({ output }) => (failure = output));
  await until(
    'the nats-server accepts',
    () => {
      if (failure !== undefined) throw new Error(`The nats-server left: ${failure}`);
      return greets(port);
    },
    startMsMax,
  );
  return running;
}

/** Whether it says who it is, JetStream included. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(500, () => end(false));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
    socket.once('data', (chunk) => end(/^INFO .*"jetstream":true/.test(chunk.toString())));
  });
}
