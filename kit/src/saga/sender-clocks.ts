import type { StartMessage } from './messages.ts';

type Sent = Pick<StartMessage, 'replyTo' | 'sentAt' | 'notAfter'>;

/** How far a sender's clock is behind ours, as the quickest of its messages showed: in this window of time and in the one before. */
type Behind = { since: number; now: number; before: number };

const windowMs = 60_000;
const sendersMax = 1_024;

/**
 * What time it is for those who send starts. Their clocks may be an hour off ours, or ours off theirs; two processes share
 * nothing but the messages between them. The quickest message shows the difference of the two clocks plus its own way, so that
 * what is made of it can only be too early: a start is never taken for late while its sender waits.
 */
export class SenderClocks {
  readonly #senders = new Map<string, Behind>();

  /** Whether the sender has given up waiting for this start, which arrived at `now`. */
  isLate({ replyTo, sentAt, notAfter }: Sent, now: number): boolean {
    const behind = this.#hear(replyTo, now - sentAt, now);
    return now - Math.min(behind.now, behind.before) > notAfter;
  }

  #hear(sender: string, difference: number, now: number): Behind {
    const known = this.#senders.get(sender) ?? { since: now, now: difference, before: Infinity };
    // Clocks drift, so what was seen long ago does not count for ever. Who was silent meanwhile is still known by it.
    if (now - known.since > windowMs)
      Object.assign(known, { since: now, before: known.now, now: difference });
    known.now = Math.min(known.now, difference);
    // The one not heard of for longest makes room.
    this.#senders.delete(sender);
    this.#senders.set(sender, known);
    const [silent] = this.#senders.keys();
    if (silent !== undefined && this.#senders.size > sendersMax) this.#senders.delete(silent);
    return known;
  }
}
