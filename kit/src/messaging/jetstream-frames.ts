import type { Parcel } from './batch.ts';
import { frameMessagesMax } from './bus.ts';

/** Well below a NATS server's `max_payload` of 1 MiB. */
export const frameBytesMax = 256 * 1024;
/** Room for a frame's own words, and for the counts and commas of each message. */
const envelopeBytes = 128;
const bytesPerMessage = 16;

/** What one NATS message holds. The counts are left out where every message is new. */
type Frame = {
  readonly messages: readonly unknown[];
  readonly deliveries?: readonly number[];
  readonly failures?: readonly number[];
  /** Milliseconds that it is to wait: a span, because the process that puts it off and the one that takes it have two clocks. */
  readonly afterMs?: number;
};

export type Unpacked = { readonly parcels: readonly Parcel[]; readonly afterMs: number };

/** Puts messages into as few frames as hold them. Throws when one alone is too large for any. */
export function packFrames(queueName: string, parcels: readonly Parcel[], afterMs = 0): string[] {
  const frames: string[] = [];
  let part: Parcel[] = [];
  let texts: string[] = [];
  let bytes = envelopeBytes;
  const seal = () => {
    if (part.length > 0) frames.push(frameText(part, texts, afterMs));
    [part, texts, bytes] = [[], [], envelopeBytes];
  };
  for (const parcel of parcels) {
    // In a list, because what is not JSON by itself (undefined) is null there.
    const text = JSON.stringify([parcel.message]).slice(1, -1);
    const size = Buffer.byteLength(text) + bytesPerMessage;
    if (size + envelopeBytes > frameBytesMax)
      throw new Error(
        `A message for the queue ${queueName} has ${size - bytesPerMessage} bytes; a frame holds at most ${frameBytesMax}.`,
      );
    if (part.length === frameMessagesMax || bytes + size > frameBytesMax) seal();
    part.push(parcel);
    texts.push(text);
    bytes += size;
  }
  seal();
  return frames;
}

function frameText(parcels: readonly Parcel[], texts: readonly string[], afterMs: number): string {
  const isNew = parcels.every(({ deliveries, failures }) => deliveries === 1 && failures === 0);
  const counts = isNew
    ? ''
    : `,"deliveries":[${parcels.map(({ deliveries }) => deliveries).join(',')}]` +
      `,"failures":[${parcels.map(({ failures }) => failures).join(',')}]`;
  return `{"messages":[${texts.join(',')}]${counts}${afterMs > 0 ? `,"afterMs":${Math.ceil(afterMs)}` : ''}}`;
}

/** Nothing when it is no frame: whoever may publish to a queue may publish anything. */
export function unpackFrame(text: string): Unpacked | undefined {
  const frame = parsed(text);
  if (!isFrame(frame)) return undefined;
  const { messages, deliveries, failures, afterMs = 0 } = frame;
  return {
    afterMs,
    parcels: messages.map((message, at) => ({
      message,
      deliveries: deliveries?.[at] ?? 1,
      failures: failures?.[at] ?? 0,
    })),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isFrame(value: unknown): value is Frame {
  if (typeof value !== 'object' || value === null) return false;
  const isCounts = (counts: unknown) =>
    counts === undefined || (Array.isArray(counts) && counts.every((count) => Number.isSafeInteger(count)));
  return (
    'messages' in value &&
    Array.isArray(value.messages) &&
    (!('deliveries' in value) || isCounts(value.deliveries)) &&
    (!('failures' in value) || isCounts(value.failures)) &&
    (!('afterMs' in value) || Number.isSafeInteger(value.afterMs))
  );
}
