import { closeSync, openSync, write, writeSync } from 'node:fs';
import { ConfigurationError } from './config.ts';

const flushChars = 16_384;
const flushMs = 500;
/** What waits while nothing can be written; beyond it lines are dropped and counted. */
const waitingCharsMax = 4 * 2 ** 20;

/**
 * A file that log lines are appended to, a batch at a time. A full disk must neither end nor block what the log speaks of: what
 * cannot be written waits and is tried again. (pino's own destination sleeps in a loop for as long as the disk is full when
 * the process wants to exit.)
 */
export class LogFile {
  readonly #path: string;
  readonly #descriptor: number;
  readonly #tell: (sentence: string) => void;
  readonly #timer: NodeJS.Timeout;
  #waiting = '';
  #batch = Buffer.alloc(0);
  #writing: Promise<void> | undefined;
  #dropped = 0;
  #isFailing = false;
  #isClosed = false;

  /** Throws when the file cannot be opened; `tell` hears of later troubles, once for each time that they begin. */
  constructor(path: string, tell: (sentence: string) => void) {
    this.#path = path;
    this.#tell = tell;
    this.#descriptor = opened(path);
    this.#timer = setInterval(() => this.#flush(), flushMs).unref();
    process.once('exit', this.#writeRest);
  }

  write(line: string): void {
    if (this.#isClosed) return;
    if (this.#waiting.length >= waitingCharsMax) {
      this.#dropped++;
      return;
    }
    this.#waiting += line;
    if (this.#waiting.length >= flushChars && !this.#isFailing) this.#flush();
  }

  /** Writes what waits, gives up what cannot be written. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    process.off('exit', this.#writeRest);
    await this.#writing;
    this.#isClosed = true;
    this.#writeRest();
    closeSync(this.#descriptor);
  }

  #flush(): void {
    if (this.#waiting === '' && this.#batch.length === 0) return;
    this.#writing ??= this.#writeBatches().finally(() => {
      this.#writing = undefined;
    });
  }

  async #writeBatches(): Promise<void> {
    do {
      if (this.#batch.length === 0) this.#takeBatch();
      const written = await this.#append(this.#batch);
      if (written === undefined) return;
      this.#batch = this.#batch.subarray(written);
    } while (this.#batch.length > 0 || this.#waiting.length >= flushChars);
  }

  #takeBatch(): void {
    this.#batch = Buffer.from(this.#waiting);
    this.#waiting = '';
    if (this.#dropped === 0) return;
    this.#waiting = `${JSON.stringify({ level: 40, dropped: this.#dropped, msg: 'log lines were dropped' })}\n`;
    this.#dropped = 0;
  }

  /** How many bytes went in; undefined when none did. */
  #append(bytes: Buffer): Promise<number | undefined> {
    return new Promise((done) => {
      write(this.#descriptor, bytes, (error, written) => {
        if (error && !this.#isFailing)
          this.#tell(`The log ${this.#path} cannot be written: ${error.message}.`);
        this.#isFailing = error !== null;
        done(error ? undefined : written);
      });
    });
  }

  readonly #writeRest = (): void => {
    try {
      // A batch that is under way is the system's by now.
      const batch = this.#writing ? '' : this.#batch.toString();
      writeSync(this.#descriptor, batch + this.#waiting);
    } catch {
      // The disk is full and the process leaves.
    }
  };
}

function opened(path: string): number {
  try {
    return openSync(path, 'a', 0o600);
  } catch (cause) {
    throw new ConfigurationError(`The log ${path} cannot be opened: ${String(cause)}.`, { cause });
  }
}
