import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ip = async (...words: string[]): Promise<string> => (await run('ip', words)).stdout;

/** Nobody has it: a frame sent there is dropped by whoever gets it, and nobody is told. */
const nobody = '02:00:00:00:00:01';

let made = 0;

/**
 * A network of its own with one cable to ours: a pair of virtual Ethernet devices. Only where this process may make one (as root,
 * with `ip` there).
 */
export class Namespace {
  readonly name: string;
  /** Our end of the cable, and the other; in the part of 198.18.0.0/15 that is kept for measuring networks. */
  readonly hostAddress: string;
  readonly address: string;
  readonly #hostDevice: string;
  readonly #device: string;

  private constructor(number: number) {
    this.name = `tutti-${process.pid}-${number}`;
    this.#hostDevice = `tt${process.pid}a${number}`;
    this.#device = `tt${process.pid}b${number}`;
    const [third, fourth] = [process.pid % 256, 4 * (number % 60)];
    this.hostAddress = `198.19.${third}.${fourth + 1}`;
    this.address = `198.19.${third}.${fourth + 2}`;
  }

  /** Undefined where it is not allowed, with the reason told to `say`. */
  static async open(say: (why: string) => void): Promise<Namespace | undefined> {
    const namespace = new Namespace(made++);
    try {
      await namespace.#open();
      return namespace;
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
      await namespace.close();
      return undefined;
    }
  }

  /** A program and its words, to be run inside. */
  inside(program: string, args: readonly string[]): { program: string; args: readonly string[] } {
    return { program: 'ip', args: ['netns', 'exec', this.name, program, ...args] };
  }

  /** As if the cable were pulled. */
  async unplug(): Promise<void> {
    await ip('link', 'set', this.#hostDevice, 'down');
  }

  /** What leaves it goes nowhere; what is sent to it arrives. */
  async silence(): Promise<void> {
    await ip(
      '-n',
      this.name,
      'neigh',
      'replace',
      this.hostAddress,
      'lladdr',
      nobody,
      'dev',
      this.#device,
      'nud',
      'permanent',
    );
  }

  /** What is sent to it goes nowhere; what it sends arrives. */
  async deafen(): Promise<void> {
    await ip('neigh', 'replace', this.address, 'lladdr', nobody, 'dev', this.#hostDevice, 'nud', 'permanent');
  }

  async heal(): Promise<void> {
    await ip('link', 'set', this.#hostDevice, 'up');
    await ip('neigh', 'flush', 'dev', this.#hostDevice, 'nud', 'permanent');
    await ip('-n', this.name, 'neigh', 'flush', 'dev', this.#device, 'nud', 'permanent');
  }

  /** Packets that were sent to it and that it got, by the devices' own count. */
  get packets(): { sent: number; received: number } {
    const read = (what: string) =>
      Number(readFileSync(`/sys/class/net/${this.#hostDevice}/statistics/${what}`, 'utf8'));
    return { sent: read('tx_packets'), received: read('rx_packets') };
  }

  /** Whatever is there of it goes; both ends of a cable go together. */
  async close(): Promise<void> {
    await ip('link', 'del', this.#hostDevice).catch(() => {});
    await ip('netns', 'del', this.name).catch(() => {});
  }

  async #open(): Promise<void> {
    await ip('netns', 'add', this.name);
    await ip(
      'link',
      'add',
      this.#hostDevice,
      'type',
      'veth',
      'peer',
      'name',
      this.#device,
      'netns',
      this.name,
    );
    await ip('addr', 'add', `${this.hostAddress}/30`, 'dev', this.#hostDevice);
    await ip('link', 'set', this.#hostDevice, 'up');
    await ip('-n', this.name, 'addr', 'add', `${this.address}/30`, 'dev', this.#device);
    await ip('-n', this.name, 'link', 'set', this.#device, 'up');
    await ip('-n', this.name, 'link', 'set', 'lo', 'up');
  }
}
