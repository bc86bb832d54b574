import { commitmentOf, seedOf } from './commitment.ts';
import { joinList } from './join-list.ts';

/** What a sale publishes of its shuffle: the commitment before the first fan joins, the rest at the opening, in hex. */
export interface PublishedShuffle {
  readonly commitment: string;
  readonly secret: string;
  readonly joinRoot: string;
  readonly seed: string;
  readonly preQueueSize: number;
}

export interface Finding {
  readonly what: 'commitment' | 'seed' | 'join root' | 'pre-queue size';
  readonly published: string;
  readonly computed: string;
}

/** Everything that the secret and the root decide, computed again. */
export const checkSeed = ({ commitment, secret, joinRoot, seed }: PublishedShuffle): Finding[] => [
  { what: 'commitment', published: commitment, computed: commitmentOf(secret) },
  { what: 'seed', published: seed, computed: seedOf(secret, joinRoot) },
];

/** The list of joins, line by line in order of arrival, against the root and the size; a million take seconds. */
export async function checkJoins(
  { joinRoot, preQueueSize }: PublishedShuffle,
  joins: AsyncIterable<string> | Iterable<string>,
): Promise<Finding[]> {
  const list = joinList();
  for await (const join of joins) list.add(join);
  return [
    { what: 'join root', published: joinRoot, computed: list.root() },
    { what: 'pre-queue size', published: `${preQueueSize}`, computed: `${list.size}` },
  ];
}

export const isRight = ({ published, computed }: Finding): boolean => published === computed;
