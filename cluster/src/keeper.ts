import { leaveWithUs, type Log } from '@tutti/kit/service';
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

export type Kept = {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Asked anew at every start. */
  readonly env?: () => Readonly<Record<string, string>>;
  /** Learns of our end by its pipe (kit/src/service/parent.ts) and leaves in order; others are killed then. */
  readonly isOurs: boolean;
};

const backOffFirstMs = 250;
const backOffMaxMs = 10_000;
/** A process that has run so long is taken for sound: the next end starts the back-off anew. */
const soundAfterMs = 30_000;
const stopMsMax = 20_000;

/**
 * Keeps one process running: one that ends is started again, sooner after the first time than after the fifth. It leaves with
 * this process, however that ends.
 */
export class Keeper {
  readonly #kept: Kept;
  readonly #log: Log;
  readonly #onLine: (line: string) => void;
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ends = 0;
  #isWanted = false;
  #gone: Promise<void> = Promise.resolve();
  #lastLine = '';

  constructor(kept: Kept, log: Log, onLine: (line: string) => void) {
    this.#kept = kept;
    this.#log = log;
    this.#onLine = onLine;
  }

  /** What it said last: where it cannot start, most likely why. */
  get lastLine(): string {
    return this.#lastLine;
  }

  start(): void {
    if (this.#isWanted) return;
    this.#isWanted = true;
    this.#spawn();
  }

  /** Asks it to leave, and insists after a while; it is not started again. */
  async stop(): Promise<void> {
    this.#isWanted = false;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (!child) return;
    child.kill('SIGTERM');
    const insist = setTimeout(() => child.kill('SIGKILL'), stopMsMax);
    await this.#gone;
    clearTimeout(insist);
  }

  #spawn(): void {
    const { name, program, args, env, isOurs } = this.#kept;
    const startedAt = Date.now();
    const child = spawn(program, args, {
      env: { ...inherited(), ...env?.(), ...(isOurs && { TUTTI_PARENT_PIPE: '3' }) },
      stdio: ['ignore', 'pipe', 'pipe', isOurs ? 'pipe' : 'ignore'],
    });
    child.stdio[3]?.on('error', () => {});
    const release = isOurs ? () => {} : leaveWithUs(child);
    for (const stream of [child.stdout, child.stderr])
      if (stream)
        createInterface({ input: stream }).on('line', (line) => {
          this.#lastLine = line;
          this.#onLine(line);
        });
    this.#child = child;
    this.#gone = new Promise((done) => {
      const ended = (why: object) => {
        if (this.#child !== child) return;
        this.#child = undefined;
        release();
        done();
        if (this.#isWanted) this.#again(name, why, Date.now() - startedAt);
      };
      child.once('error', (error) => ended({ error }));
      child.once('exit', (code, signal) => ended({ code, signal }));
    });
  }

  #again(name: string, why: object, livedMs: number): void {
    this.#ends = livedMs > soundAfterMs ? 1 : this.#ends + 1;
    const delayMs =
      Math.min(backOffMaxMs, backOffFirstMs * 2 ** (this.#ends - 1)) * (0.5 + Math.random() / 2);
    this.#log.warn(
      { process: name, ...why, delayMs: Math.round(delayMs) },
      'a process ended; it is started again',
    );
    this.#timer = setTimeout(() => this.#spawn(), delayMs);
  }
}

/** What every process may see of our own environment; passwords that are meant for one of them are not meant for all. */
function inherited(): Record<string, string> {
  const names =
    /^(PATH|HOME|LANG|TZ|TMPDIR|NODE_OPTIONS|NODE_EXTRA_CA_CERTS|OTEL_.*|TRACE_SAMPLE_RATIO|CI|NO_INSTALL)$/;
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value !== undefined && names.test(name) ? [[name, value]] : [],
    ),
  );
}
