import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';

// Nobody may choose the order: not the operator, who fixes a secret and publishes its hash before the first fan joins,
// and not the fans, who fix the list of joins without knowing the secret. The seed needs both. What this does not rule
// out: an operator who adds joins of their own at the very end, trying many until the seed suits them. Those joins are
// in the published list, ahead of no one whose number is drawn, and each of them is an account that took a place.

const secretBytes = 32;

/** Published before the pre-queue opens; says nothing about the secret (32 random bytes, in hex). */
export const commitmentOf = (secret: string): string =>
  bytesToHex(sha256(concatBytes(utf8ToBytes('tutti line commitment v1'), bytesOf(secret))));

/** The seed of the order: nobody knew it before the last join, because `joinRoot` is the root over all of them. */
export const seedOf = (secret: string, joinRoot: string): string =>
  bytesToHex(
    hmac(sha256, bytesOf(secret), concatBytes(utf8ToBytes('tutti line seed v1'), hexToBytes(joinRoot))),
  );

function bytesOf(secret: string): Uint8Array {
  const bytes = hexToBytes(secret);
  if (bytes.length !== secretBytes) throw new RangeError(`A secret has ${secretBytes} bytes.`);
  return bytes;
}
