import { hash } from 'node:crypto';

/** What happened in a world: line by line, which together are its trace; how often of each kind; and what was wrong. */
export class Chronicle {
  readonly counts = new Map<string, number>();
  readonly wrong: string[] = [];
  readonly lines: string[] = [];
  readonly #now: () => number;
  readonly #begun: number;

  constructor(now: () => number) {
    this.#now = now;
    this.#begun = now();
  }

  tell(line: string): void {
    this.lines.push(`${((this.#now() - this.#begun) / 1_000).toFixed(3)} ${line}`);
  }

  count(what: string, times = 1): void {
    if (times > 0) this.counts.set(what, (this.counts.get(what) ?? 0) + times);
  }

  accuse(sentence: string): void {
    this.wrong.push(sentence);
    this.tell(`WRONG ${sentence}`);
  }

  hash(): string {
    return hash('sha256', this.lines.join('\n'), 'hex').slice(0, 32);
  }
}
