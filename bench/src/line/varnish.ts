import { accepts, ensureProgram, freePort, startProgram } from '@tutti/kit/service';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { root } from '../server-process.ts';
import { until } from '../waiting.ts';

const run = promisify(execFile);
const debianPackage = 'varnish';
const configuration = path.join(root, 'deploy/varnish/waiting-room.vcl');

/** Varnish with the configuration of deploy/, before a gateway on a port of this machine. */
export type RunningVarnish = {
  readonly port: number;
  readonly pid: number;
  /** How many requests it was sent, how many it sent on, and how many waited for the fetch of another, since it started. */
  counts(): Promise<{ readonly received: number; readonly sentOn: number; readonly waited: number }>;
  stop(): Promise<void>;
};

type Say = (sentence: string) => void;

export async function describeVarnish(say: Say): Promise<string> {
  const program = await ensureProgram({ program: 'varnishd', debianPackage }, say);
  // It prints its version as an error, and succeeds.
  const { stdout, stderr } = await run(program, ['-V']);
  return `Varnish ${/varnish-([\d.]+)/.exec(stdout + stderr)?.[1] ?? 'of an unknown version'} (deploy/varnish/waiting-room.vcl)`;
}

export async function startVarnish(folder: string, gatewayPort: number, say: Say): Promise<RunningVarnish> {
  const program = await ensureProgram({ program: 'varnishd', debianPackage }, say);
  const statistics = await ensureProgram({ program: 'varnishstat', debianPackage }, say);
  const port = await freePort();
  const text = await readFile(configuration, 'utf8');
  const placed = text.replace('.port = "3000"', `.port = "${gatewayPort}"`);
  if (placed === text) throw new Error(`${configuration} names no port to replace.`);
  const file = path.join(folder, 'waiting-room.vcl');
  await writeFile(file, placed);
  const home = path.join(folder, 'varnish');
  const listen = `127.0.0.1:${port}`;
  // In the foreground, without a jail: it ends with this process, and the folder is ours.
  const args = ['-F', '-j', 'none', '-n', home, '-a', listen, '-f', file, '-s', 'malloc,64m', '-T', 'none'];
  const varnish = startProgram(program, args);
  const counter = async (name: string): Promise<number> => {
    const { stdout } = await run(statistics, ['-n', home, '-1', '-f', name]);
    return Number(/^\S+\s+(\d+)/.exec(stdout)?.[1] ?? Number.NaN);
  };
  let isOver: string | undefined;
  void varnish.ended.then(({ output }) => (isOver = `varnishd ended: ${output}`));
  try {
    await until(
      'Varnish listens',
      () => {
        if (isOver !== undefined) throw new Error(isOver);
        return accepts(port);
      },
      30_000,
    );
  } catch (error) {
    await varnish.stop();
    throw error;
  }
  return {
    port,
    pid: varnish.pid,
    counts: async () => ({
      received: await counter('MAIN.client_req'),
      sentOn: await counter('MAIN.backend_req'),
      waited: await counter('MAIN.busy_sleep'),
    }),
    stop: () => varnish.stop(),
  };
}
