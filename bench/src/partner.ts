import { randomBytes } from 'node:crypto';
import { ServerProcess } from './server-process.ts';

/** The promoter's system of one run: src/partner-process.ts. */
export class Partner {
  readonly secret: string;
  readonly #process: ServerProcess;
  readonly #port: number;

  private constructor(process: ServerProcess, port: number, secret: string) {
    this.#process = process;
    this.#port = port;
    this.secret = secret;
  }

  static async start(): Promise<Partner> {
    const secret = `whsec_${randomBytes(24).toString('base64')}`;
    const process = ServerProcess.node('bench/src/partner-process.ts', [], { PARTNER_SECRET: secret });
    return new Partner(process, await process.listening(), secret);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  get pid(): number {
    return this.#process.pid;
  }

  async count(): Promise<{ known: number; rejected: number }> {
    const told: unknown = await (await fetch(this.url)).json();
    const isCount = (value: unknown): value is { known: number; rejected: number } =>
      typeof value === 'object' && value !== null && 'known' in value && 'rejected' in value;
    if (!isCount(told)) throw new Error('The partner does not answer as it should.');
    return told;
  }

  /** The reservations it was told of as paid. */
  async reservations(): Promise<Set<string>> {
    const all: unknown = await (await fetch(`${this.url}all`)).json();
    return new Set(
      Array.isArray(all) ? all.map((one: unknown) => String(Array.isArray(one) ? one[0] : one)) : [],
    );
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }
}
