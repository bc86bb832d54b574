/** Our words for the numbers of a protobuf enum, both ways. */
export type Words<Word extends string, Code extends number> = {
  toWire(word: Word): Code;
  /** Throws for a number that this build has no word for: a newer peer says something that we cannot pass on. */
  fromWire(code: number): Word;
};

export function words<Word extends string, Code extends number>(
  codes: Readonly<Record<Word, Code>>,
): Words<Word, Code> {
  const byCode = new Map<number, Word>();
  for (const word in codes) byCode.set(codes[word], word);
  return {
    toWire: (word) => codes[word],
    fromWire: (code) => {
      const word = byCode.get(code);
      if (word !== undefined) return word;
      throw new Error(`There is no word for ${code} beside ${[...byCode.values()].join(', ')}.`);
    },
  };
}

/** What has to be there in an answer and is not: the two sides do not speak one protocol. */
export function given<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`An answer came without ${what}.`);
  return value;
}
