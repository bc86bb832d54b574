import { createInbox, nanos, type Msg, type Subscription } from '@nats-io/transport-node';
import { deletionMsMax, durableOf, streamOf } from './jetstream-streams.ts';
import { pause, within, type NatsLink, type NatsOptions } from './nats-link.ts';
import { steadyNow } from '../service/steady-clock.ts';

export type PullOptions = {
  readonly link: NatsLink;
  readonly queueName: string;
  readonly log: NatsOptions['log'];
  /** Makes the stream and the consumer where they are missing; called before the first pull and whenever they seem gone. */
  readonly prepare: () => Promise<void>;
  /** How many frames may be on their way now. */
  readonly room: () => number;
  readonly onFrame: (msg: Msg) => void;
};

const expiresMs = 30_000;
/** The server says so often that a pull is still open. */
const heartbeatMs = 1_000;
const silenceMsMax = 3 * heartbeatMs;
const prepareMsMax = 10_000;
const againFirstMs = 50;
const againMaxMs = 2_000;
const closeMsMax = 1_000;

/**
 * A request for frames that always stands open, so that the next one comes as soon as it is there. It is made anew, with
 * stream and consumer, when the server says they are gone, falls silent, or comes back.
 */
export class Pull {
  readonly #options: PullOptions;
  readonly #subject: string;
  readonly #watch: NodeJS.Timeout;
  readonly #forgetReconnect: () => void;
  readonly #opened = Promise.withResolvers<void>();
  #subscription: Subscription | undefined;
  #isOpening = false;
  #mustReopen = false;
  #isClosed = false;
  /** Frames that were asked for and have not come. */
  #asked = 0;
  #heardAt = 0;
  #isGone = false;
  /** Times it was opened in a row without hearing anything good from it. */
  #vain = 0;

  constructor(options: PullOptions) {
    this.#options = options;
    const { link, queueName } = options;
    this.#subject = `$JS.API.CONSUMER.MSG.NEXT.${streamOf(queueName)}.${durableOf(queueName)}`;
    this.#forgetReconnect = link.onReconnect(() => this.#reopen());
    this.#watch = setInterval(() => this.#listen(), heartbeatMs).unref();
    this.#reopen();
  }

  /** Resolves when the queue was there for the first time. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Asks for more when there is room; one request for many frames, not one for each. */
  ask(): void {
    const subscription = this.#subscription;
    if (!subscription || this.#isOpening || this.#isClosed) return;
    const room = this.#options.room();
    if (room <= 0 || this.#asked > room / 2) return;
    const batch = room - this.#asked;
    this.#asked = room;
    const wanted = { batch, expires: nanos(expiresMs), idle_heartbeat: nanos(heartbeatMs) };
    this.#options.link.tell(this.#subject, JSON.stringify(wanted), subscription.getSubject());
  }

  /** Frames that were already on their way still come. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#opened.resolve();
    clearInterval(this.#watch);
    this.#forgetReconnect();
    const draining = this.#subscription?.drain();
    if (draining) await within(closeMsMax, 'Draining', draining).catch(() => {});
  }

  #listen(): void {
    const isSilent = this.#asked > 0 && steadyNow() - this.#heardAt > silenceMsMax;
    if (isSilent && this.#options.link.isUp) this.#reopen();
  }

  #reopen(): void {
    this.#mustReopen = true;
    if (!this.#isOpening) void this.#open();
  }

  async #open(): Promise<void> {
    const { link, queueName, log, prepare } = this.#options;
    this.#isOpening = true;
    while (this.#mustReopen && !this.#isClosed) {
      this.#mustReopen = false;
      this.#subscription?.unsubscribe();
      this.#subscription = undefined;
      if (this.#vain > 0) await pause(Math.min(againMaxMs, againFirstMs * 2 ** (this.#vain - 1)));
      if (this.#isGone) await pause(deletionMsMax);
      this.#isGone = false;
      this.#vain++;
      try {
        await link.whenUp(prepareMsMax);
        await within(prepareMsMax, `Preparing the queue ${queueName}`, prepare());
        if (!this.#isClosed) this.#subscribe();
      } catch (error) {
        if (this.#vain > 2) log?.warn({ error, queue: queueName }, 'the queue cannot be consumed yet');
        this.#mustReopen = true;
      }
    }
    this.#isOpening = false;
    this.ask();
  }

  #subscribe(): void {
    const { connection } = this.#options.link;
    // A new address each time: what is still sent to an older one is no answer to the new request.
    const inbox = createInbox(this.#options.link.inboxPrefix);
    this.#asked = 0;
    this.#heardAt = steadyNow();
    const subscription = connection.subscribe(inbox, {
      callback: (error, msg) => {
        if (error) this.#options.log?.error({ error }, 'deliveries are not permitted');
        else if (msg.subject === inbox) this.#onStatus(subscription, msg);
        else this.#onFrame(subscription, msg);
      },
    });
    this.#subscription = subscription;
    this.#opened.resolve();
  }

  #onFrame(from: Subscription, msg: Msg): void {
    if (from === this.#subscription) {
      this.#heard();
      this.#asked = Math.max(0, this.#asked - 1);
    }
    this.#options.onFrame(msg);
    this.ask();
  }

  #heard(): void {
    this.#heardAt = steadyNow();
    this.#vain = 0;
  }

  /** A heartbeat, or the end of a request. */
  #onStatus(from: Subscription, msg: Msg): void {
    if (from !== this.#subscription) return;
    const { code = 0, description = '' } = msg.headers ?? {};
    const unanswered = Number(msg.headers?.get('Nats-Pending-Messages'));
    const isExpired =
      code === 408 || (code === 409 && unanswered > 0 && !/deleted|shutdown/i.test(description));
    if (code === 100) this.#heard();
    else if (isExpired) {
      this.#heard();
      this.#asked = Math.max(0, this.#asked - (unanswered || 0));
      this.ask();
    } else {
      this.#isGone = true;
      this.#reopen();
    }
  }
}
