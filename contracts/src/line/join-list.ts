import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';

// The list of joins, in order of arrival, under one hash: the Merkle tree of RFC 9162 (section 2.1.1), whose leaves
// and nodes are hashed with different prefixes, so that no node can be shown as a leaf.

type Hash = ReturnType<typeof sha256>;

const leafPrefix = Uint8Array.of(0);
const nodePrefix = Uint8Array.of(1);
const joinLabel = utf8ToBytes('tutti line join v1');

/**
 * What the published list says of one fan: the hash, in hex, of the public part of their queue token (all before its
 * last dot, which is where the signature begins; a token without dots is hashed whole). That part must be the same
 * whenever the token is issued again, and must hold 128 bits or more that only the fan is told: then the fan finds
 * themselves in the list, and nobody else finds the fan.
 */
export function joinOf(queueToken: string): string {
  const dot = queueToken.lastIndexOf('.');
  const publicPart = dot < 0 ? queueToken : queueToken.slice(0, dot);
  return bytesToHex(sha256(concatBytes(joinLabel, utf8ToBytes(publicPart))));
}

export interface JoinList {
  add(join: string): void;
  readonly size: number;
  /** The root over all that were added so far; adding may go on. */
  root(): string;
}

/** Takes joins one by one and remembers one hash for each power of two in their number: 20 for a million. */
export function joinList(): JoinList {
  // Roots of full subtrees, the largest first, as the bits of `size` from the left.
  const full: Hash[] = [];
  let size = 0;
  return {
    add(join) {
      let node = sha256(concatBytes(leafPrefix, hexToBytes(join)));
      for (let rest = size; rest % 2 === 1; rest = (rest - 1) / 2) node = over(full.pop(), node);
      full.push(node);
      size++;
    },
    get size() {
      return size;
    },
    root: () => bytesToHex(full.reduceRight<Hash | undefined>(joined, undefined) ?? sha256(new Uint8Array())),
  };
}

export function joinRootOf(joins: Iterable<string>): string {
  const list = joinList();
  for (const join of joins) list.add(join);
  return list.root();
}

const joined = (right: Hash | undefined, left: Hash): Hash => (right ? over(left, right) : left);

function over(left: Hash | undefined, right: Hash): Hash {
  if (!left) throw new Error('A full subtree is missing: the list counted wrongly.');
  return sha256(concatBytes(nodePrefix, left, right));
}
