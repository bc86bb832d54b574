import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { until } from './waiting.ts';

export const root = path.resolve(import.meta.dirname, '../..');

const outputCharsMax = 20_000;

/** A program of ours or of a peer that runs until it is told to stop, and that leaves when this process is gone. */
export class ServerProcess {
  readonly #name: string;
  readonly #child: ChildProcess;
  #output = '';

  private constructor(name: string, child: ChildProcess) {
    this.#name = name;
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-outputCharsMax);
      });
    child.on('error', (error) => {
      this.#output += String(error);
    });
    child.stdio[3]?.on('error', () => {});
  }

  /** A file of this repository, on the Node that runs this one. */
  static node(
    file: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): ServerProcess {
    return ServerProcess.program(file, process.execPath, [file, ...args], env);
  }

  static program(
    name: string,
    program: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    cwd: string = root,
  ): ServerProcess {
    // The fourth is the pipe whose end tells a child of ours that we are gone (kit/src/service/parent.ts).
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env, TUTTI_PARENT_PIPE: '3' },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    return new ServerProcess(name, child);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get output(): string {
    return this.#output;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Waits until it says `listening <port>` on a line of its own. */
  async listening(withinMs = 60_000): Promise<number> {
    let port = 0;
    await this.ready(() => {
      port = Number(/^listening (\d+)$/m.exec(this.#output)?.[1] ?? 0);
      return port > 0;
    }, withinMs);
    return port;
  }

  async ready(condition: () => boolean | Promise<boolean>, withinMs = 60_000): Promise<void> {
    const check = () => {
      if (this.hasEnded) throw new Error(`${this.#name} ended early: ${this.#output}`);
      return condition();
    };
    await until(`${this.#name} is ready`, check, withinMs).catch((error: unknown) => {
      throw new Error(`${String(error)} It said: ${this.#output}`, { cause: error });
    });
  }

  /** Asks it to stop; after `patienceMs` it is killed. */
  async stop(patienceMs = 20_000): Promise<void> {
    if (this.hasEnded || this.#child.pid === undefined) return;
    const ended = new Promise<void>((done) => this.#child.once('exit', () => done()));
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), patienceMs);
    await ended;
    clearTimeout(timer);
  }
}
