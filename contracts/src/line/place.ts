import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';

// Who came to the pre-queue as the n-th gets which number? A permutation of 0…size−1 that the seed alone decides: a
// balanced Feistel network over the smallest domain of an even number of bits that holds the size, walked until it
// lands inside (J. Black, P. Rogaway: "Ciphers with Arbitrary Finite Domains", CT-RSA 2002, section 5). Each place is
// computed by itself, so a fan needs no list; golden.json has examples for other languages.

/** Four are proven enough for wide halves (Luby, Rackoff); those of a small sale are a few bits, so there are more. */
const rounds = 12;
/** Halves of 15 bits at most: everything stays below 2^31, where integers are exact and fast. */
const preQueueSizeMax = 2 ** 30;
const label = utf8ToBytes('tutti line place v1');

/** The order of one pre-queue: `seed` is 32 bytes in hex, `preQueueSize` how many had joined when it closed. */
export interface Order {
  readonly seed: string;
  readonly preQueueSize: number;
}

export interface Places {
  /** The number, from 1, of the fan who joined as the `arrival`-th, from 0. */
  numberOf(arrival: number): number;
  /** The inverse: who has this number. */
  arrivalOf(number: number): number;
}

/** For one who wants many places: what the rounds have in common is computed once, a million take a second. */
export function placesOf({ seed, preQueueSize }: Order): Places {
  if (!Number.isSafeInteger(preQueueSize) || preQueueSize < 0 || preQueueSize > preQueueSizeMax)
    throw new RangeError(`A pre-queue holds 0 to ${preQueueSizeMax} fans, not ${preQueueSize}.`);
  const half = halfBits(preQueueSize);
  const mask = 2 ** half - 1;
  const mixed = roundFunction(seed, preQueueSize, half);

  const forwards = (value: number): number => {
    let [left, right] = [value >>> half, value & mask];
    for (let round = 0; round < rounds; round++) [left, right] = [right, left ^ mixed(round, right)];
    return (left << half) | right;
  };
  const backwards = (value: number): number => {
    let [left, right] = [value >>> half, value & mask];
    for (let round = rounds - 1; round >= 0; round--) [left, right] = [right ^ mixed(round, left), left];
    return (left << half) | right;
  };
  const walk = (step: (value: number) => number, from: number): number => {
    let value = step(from);
    while (value >= preQueueSize) value = step(value);
    return value;
  };
  const within = (index: number, what: string): number => {
    if (!Number.isSafeInteger(index) || index < 0 || index >= preQueueSize)
      throw new RangeError(`No ${what} of this pre-queue: it holds ${preQueueSize}.`);
    return index;
  };
  return {
    numberOf: (arrival) => walk(forwards, within(arrival, 'arrival')) + 1,
    arrivalOf: (number) => walk(backwards, within(number - 1, 'number')),
  };
}

/** One fan's number: all that a client needs once the seed is public. */
export const numberOf = ({ arrival, ...order }: Order & { readonly arrival: number }): number =>
  placesOf(order).numberOf(arrival);

export const arrivalOf = ({ number, ...order }: Order & { readonly number: number }): number =>
  placesOf(order).arrivalOf(number);

function halfBits(size: number): number {
  let half = 1;
  while (4 ** half < size) half++;
  return half;
}

/** HMAC-SHA-256 by the seed over (label, size, round, half), its first four bytes cut to the width of a half. */
function roundFunction(seed: string, size: number, half: number): (round: number, value: number) => number {
  const message = new Uint8Array(label.length + 9);
  message.set(label);
  const numbers = new DataView(message.buffer, label.length);
  numbers.setUint32(0, size);
  const keyed = hmac.create(sha256, hexToBytes(seed));
  // A half has few values (1,024 of a million fans), so each is hashed once for each round, when it is first met.
  const known = new Int32Array(rounds << half).fill(-1);
  return (round, value) => {
    const at = (round << half) | value;
    const before = known[at];
    if (before !== undefined && before >= 0) return before;
    numbers.setUint8(4, round);
    numbers.setUint32(5, value);
    const digest = keyed.clone().update(message).digest();
    const cut = new DataView(digest.buffer, digest.byteOffset).getUint32(0) & (2 ** half - 1);
    known[at] = cut;
    return cut;
  };
}
