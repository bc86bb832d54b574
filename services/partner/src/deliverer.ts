import { crashPoint, steadyNow, type Log } from '@tutti/kit/service';
import type { Cell, ServiceTelemetry } from '@tutti/kit/telemetry';
import type { Due, Failure, PartnerStore } from './store.ts';
import type { WebhookSigner } from './webhook.ts';
import type { Wire } from './wire.ts';

const takeMost = 128;
// As long as what was just stored has before it becomes due (migrations/001_partner.sql), and longer than what waits here
// may wait and then be tried.
const leaseSeconds = 30;
const freshMs = 15_000;
// A crowd's payments of some seconds: what finds no room here would wait until it is due.
const freshMax = 65_536;
const giveUpHours = 24;
const idleCheckMs = 1_000;
const firstDelayMs = 1_000;
const maxDelayMs = 10 * 60_000;

/** 1 s, 2, 4 … 10 minutes, each between half and the whole of it. */
const delayMs = (attempts: number): number =>
  Math.round(
    Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(attempts - 1, 20)) * (0.5 + Math.random() / 2),
  );

/** Sends what is due to the promoter's system, at least once each, until it is taken with a 2xx. */
export class Deliverer {
  readonly #store: PartnerStore;
  readonly #signer: WebhookSigner;
  readonly #log: Log;
  readonly #wire: Wire;
  /** What was stored just now: sent without being claimed. What finds no room or waits too long becomes due by itself. */
  #fresh: { readonly id: string; readonly until: number }[] = [];
  #running: Promise<void> | undefined;
  #looksForDue = false;
  #stopped = false;
  readonly #timer: NodeJS.Timeout;

  readonly #tried: { readonly delivered: Cell; readonly failed: Cell } | undefined;

  constructor(options: {
    store: PartnerStore;
    signer: WebhookSigner;
    wire: Wire;
    log: Log;
    telemetry?: ServiceTelemetry | undefined;
  }) {
    this.#store = options.store;
    this.#signer = options.signer;
    this.#wire = options.wire;
    this.#log = options.log;
    const tries = options.telemetry?.meters.counter({
      name: 'tutti_delivery_tries_total',
      help: 'Deliveries sent to the partner, by whether it took them.',
      labels: ['result'],
    });
    this.#tried = tries && { delivered: tries.of('delivered'), failed: tries.of('failed') };
    this.#timer = setInterval(() => this.wake(), idleCheckMs);
    this.wake();
  }

  /** Sends what has just been stored under these ids. */
  deliver(ids: readonly string[]): void {
    const until = steadyNow() + freshMs;
    for (const id of ids.slice(0, freshMax - this.#fresh.length)) this.#fresh.push({ id, until });
    this.#run();
  }

  /** Looks for due deliveries now, or once more after the look that is under way. */
  wake(): void {
    this.#looksForDue = true;
    this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#running;
    await this.#wire.close();
  }

  #run(): void {
    if (this.#stopped) return;
    this.#running ??= this.#sendWhatThereIs().finally(() => {
      this.#running = undefined;
    });
  }

  async #sendWhatThereIs(): Promise<void> {
    try {
      while ((this.#looksForDue || this.#fresh.length > 0) && !this.#stopped) {
        crashPoint('deliverer.before-claim');
        const due = [...(await this.#takeFresh()), ...(await this.#claimDue())];
        if (due.length === 0) continue;
        crashPoint('deliverer.after-claim');
        await this.#sendAll(due);
      }
    } catch (error) {
      this.#log.warn({ error }, 'deliveries could not be read or noted; they stay due');
    }
  }

  async #takeFresh(): Promise<Due[]> {
    const now = steadyNow();
    const ids = this.#fresh
      .splice(0, takeMost)
      .filter(({ until }) => until > now)
      .map(({ id }) => id);
    return ids.length > 0 ? this.#store.untried(ids) : [];
  }

  async #claimDue(): Promise<Due[]> {
    if (!this.#looksForDue) return [];
    const due = await this.#store.claim(takeMost, leaseSeconds);
    this.#looksForDue = due.length === takeMost;
    return due;
  }

  async #sendAll(due: readonly Due[]): Promise<void> {
    const failures: Failure[] = [];
    const delivered: string[] = [];
    await Promise.all(
      due.map(async (one) => {
        const error = await this.#send(one);
        if (error === undefined) delivered.push(one.id);
        else failures.push({ id: one.id, error, delayMs: delayMs(one.attempts + 1) });
      }),
    );
    if (this.#tried) {
      this.#tried.delivered.value += delivered.length;
      this.#tried.failed.value += failures.length;
    }
    if (delivered.length > 0) {
      crashPoint('deliverer.after-post');
      await this.#store.markDelivered(delivered);
      crashPoint('deliverer.after-mark');
    }
    if (failures.length === 0) return;
    await this.#store.putOff(failures, giveUpHours);
    this.#log.warn(
      { failed: failures.length, error: failures[0]?.error },
      'the partner did not take deliveries',
    );
  }

  /** What went wrong, in a few words, or nothing. */
  async #send({ id, body, takenAt }: Due): Promise<string | undefined> {
    try {
      const status = await this.#wire.post(this.#signer.headers(id, takenAt, body), body);
      return status >= 200 && status < 300 ? undefined : `HTTP status ${status}`;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}
