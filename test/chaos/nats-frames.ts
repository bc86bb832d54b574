/** One line of NATS's client protocol, with its payload where it has one; `bytes` is all of it as it stood on the wire. */
export type NatsFrame = {
  readonly verb: string;
  /** What it is sent to; empty for what is not a message. */
  readonly subject: string;
  /** Of the sender's own: where it wants the answer, or (a delivery) the acknowledgement. */
  readonly reply: string;
  readonly bytes: Buffer;
};

const lineEnd = Buffer.from('\r\n');
/** Longer than any line of the protocol: what has no end by then is not the protocol. */
const lineBytesMax = 64 * 1024;

/**
 * Cuts a stream of bytes into frames, whatever chunks it comes in. Only what is needed to tell messages apart is understood:
 * `PUB subject [reply] size`, `HPUB subject [reply] head size`, `MSG subject sid [reply] size`, `HMSG subject sid [reply] head size`.
 * All other lines are frames of their own.
 */
export class NatsReader {
  #rest: Buffer = Buffer.alloc(0);

  read(chunk: Buffer): NatsFrame[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: NatsFrame[] = [];
    for (let frame = this.#next(); frame; frame = this.#next()) {
      this.#rest = this.#rest.subarray(frame.bytes.length);
      frames.push(frame);
    }
    return frames;
  }

  #next(): NatsFrame | undefined {
    const end = this.#rest.indexOf(lineEnd);
    if (end < 0 && this.#rest.length > lineBytesMax) throw new Error('This is not the protocol of NATS.');
    if (end < 0) return undefined;
    const { payloadBytes, ...told } = headOf(this.#rest.toString('latin1', 0, end));
    const length = end + lineEnd.length + (payloadBytes === undefined ? 0 : payloadBytes + lineEnd.length);
    return this.#rest.length < length ? undefined : { ...told, bytes: this.#rest.subarray(0, length) };
  }
}

/** How many words follow the verb when there is no reply subject. */
const wordsWithoutReply: Readonly<Record<string, number>> = { PUB: 2, HPUB: 3, MSG: 3, HMSG: 4 };

function headOf(line: string): Omit<NatsFrame, 'bytes'> & { payloadBytes: number | undefined } {
  const [first = '', ...words] = line.split(/[ \t]+/);
  const verb = first.toUpperCase();
  const least = wordsWithoutReply[verb];
  if (least === undefined) return { verb, subject: '', reply: '', payloadBytes: undefined };
  const replyAt = verb.endsWith('MSG') ? 2 : 1;
  const reply = words.length > least ? (words[replyAt] ?? '') : '';
  const payloadBytes = Number(words.at(-1));
  if (!Number.isSafeInteger(payloadBytes)) throw new Error(`This is not the protocol of NATS: ${line}`);
  return { verb, subject: words[0] ?? '', reply, payloadBytes };
}
