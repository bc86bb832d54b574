import type { Parcel } from './batch.ts';

/** What the server says of a delivery, in the subject at which it wants the acknowledgement. */
export type DeliveryFacts = {
  /** How often the server delivered the frame, this time included. */
  readonly count: number;
  /** The frame's place in its stream. */
  readonly sequence: number;
};

/** `$JS.ACK.<stream>.<consumer>.<count>.<sequence>.<delivery>.<time>.<pending>`; newer servers may put two words before. */
export function factsOf(reply = ''): DeliveryFacts | undefined {
  const words = reply.split('.');
  if (words[0] !== '$JS' || words[1] !== 'ACK' || words.length < 9) return undefined;
  const at = words.length === 9 ? 2 : 4;
  const [count, sequence] = words.slice(at + 2);
  return { count: Number(count), sequence: Number(sequence) };
}

/** A frame that the server waits to hear about. */
export class HeldFrame {
  /** Which life of the stream it is of: sequences begin anew when somebody deletes the stream. */
  readonly era: string;
  readonly sequence: number;
  /** Where the acknowledgement goes; a later delivery of the same frame has a later one. */
  reply: string;
  readonly pieces: readonly Piece[];
  /** How many of its messages are not settled. */
  left: number;
  /** What has to come again with this very frame, because it could be put nowhere else. */
  readonly again: Map<number, Parcel> = new Map();
  againAfterMs = 0;
  hasBegun = false;

  constructor(era: string, sequence: number, reply: string, parcels: readonly (Parcel | undefined)[]) {
    this.era = era;
    this.sequence = sequence;
    this.reply = reply;
    this.pieces = parcels.flatMap((parcel, at) => (parcel ? [{ ...parcel, at, held: this }] : []));
    this.left = this.pieces.length;
  }
}

/** A message and the frame it came in. */
export type Piece = Parcel & { readonly held: HeldFrame; readonly at: number };

const framesRememberedMax = 1_024;

type Remembered = { readonly era: string; readonly parcels: ReadonlyMap<number, Parcel> };

/** What this process knows of frames that it gave back and that may come to it again. */
export class FrameMemory {
  readonly #frames = new Map<number, Remembered>();

  keep(sequence: number, remembered: Remembered): void {
    this.#frames.set(sequence, remembered);
    if (this.#frames.size <= framesRememberedMax) return;
    const [oldest] = this.#frames.keys();
    if (oldest !== undefined) this.#frames.delete(oldest);
  }

  take(sequence: number, era: string): ReadonlyMap<number, Parcel> | undefined {
    const remembered = this.#frames.get(sequence);
    this.#frames.delete(sequence);
    return remembered?.era === era ? remembered.parcels : undefined;
  }
}
