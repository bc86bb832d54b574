import type { Connection } from '@tutti/kit/postgres';
import { freePort } from '@tutti/kit/service';
import { until } from '@tutti/kit/testing';
import type { DatabaseName } from '@tutti/standalone/system';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Installation } from './installation.ts';
import { isAlive, killAll, processTree } from './processes.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** What `npm start` comes to, and `npm run cluster`. */
const programs = { embedded: 'standalone/src/main.ts', cluster: 'cluster/src/main.ts' } as const;
export type Form = keyof typeof programs;

/** The system as a person starts it: processes of its own, a data folder, an address. */
export class Started extends Installation {
  readonly dataDir: string;
  readonly port: number;
  readonly #form: Form;
  readonly #env: Record<string, string>;
  #child: ChildProcess | undefined;
  #output = '';

  private constructor(dataDir: string, port: number, form: Form, env: Record<string, string>) {
    super();
    this.dataDir = dataDir;
    this.port = port;
    this.#form = form;
    this.#env = env;
  }

  /** Nothing runs yet. */
  static async in(
    dataDir: string,
    env: Record<string, string> = {},
    form: Form = 'embedded',
  ): Promise<Started> {
    return new Started(dataDir, await freePort(), form, {
      SEASON: path.join(root, 'test/support/season.yaml'),
      ...env,
    });
  }

  get address(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get output(): string {
    return this.#output;
  }

  /** Starts it, with `env` for this once, and does not wait. */
  launch(env: Record<string, string> = {}, command?: readonly [string, ...string[]]): ChildProcess {
    this.#output = '';
    const withoutNpm = [process.execPath, 'scripts/run.mjs', programs[this.#form]] as const;
    const [program, ...words] = command ?? withoutNpm;
    const child = spawn(program, words, {
      cwd: root,
      env: {
        ...process.env,
        DATA_DIR: this.dataDir,
        PORT: String(this.port),
        RATE_LIMITS: 'off',
        ...this.#env,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString();
      });
    this.#child = child;
    return child;
  }

  /** Starts it, with `env` for this once, and waits until every part answers. */
  async start(env: Record<string, string> = {}, withinMs = 90_000): Promise<void> {
    const child = this.launch(env);
    await until(
      'it is ready',
      async () => {
        if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}.`);
        return this.isReady();
      },
      withinMs,
    ).catch((cause: unknown) => {
      throw new Error(`It did not start; it said: ${this.#output}`, { cause });
    });
  }

  /** Waits until it has ended by itself; returns the exit code. */
  async ended(withinMs = 40_000): Promise<number | null> {
    const child = this.#child;
    await until('it ends by itself', () => !child || child.exitCode !== null, withinMs);
    return child?.exitCode ?? null;
  }

  /** SIGKILL to every process of it at once, PostgreSQL included. */
  async killEverything(): Promise<void> {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    const tree = processTree(pid);
    killAll(tree);
    await until('everything is dead', () => tree.every((one) => !isAlive(one)));
  }

  /** Asks it to stop and waits for its end; returns the exit code. */
  async stop(): Promise<number | null> {
    const child = this.#child;
    if (!child || child.exitCode !== null) return child?.exitCode ?? null;
    const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
    child.kill('SIGTERM');
    return ended;
  }

  connection(database: DatabaseName): Connection {
    const [, , , port, host = ''] = this.#postmasterFile();
    return { host, port: Number(port), user: 'postgres', database };
  }

  /** The pid of its PostgreSQL. */
  get postmaster(): number {
    return Number(this.#postmasterFile()[0]);
  }

  #postmasterFile(): string[] {
    const location = path.join(this.dataDir, 'postgres-location');
    const home = existsSync(location) ? readFileSync(location, 'utf8').trim() : this.dataDir;
    return readFileSync(path.join(home, 'postgres', 'postmaster.pid'), 'utf8').split('\n');
  }
}
