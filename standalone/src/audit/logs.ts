import type { Queryable } from '@tutti/kit/postgres';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Findings, type Invariant } from './invariant.ts';

const accessToken = /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{16,}/;
// As typed, and as a URL has it.
const address = /[\w.+-]+(?:@|%40)[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}/i;
// The word before a value that was not blacked out; "wrong password" in a sentence and names of files are fine.
const password = /\bpass(?:word|phrase|wd)\b\\?["']?\s*[:=](?!\s*["']?\[Redacted\])|\$argon2/i;

/** Which secrets a text gives away, in words that do not repeat them. */
export function leaksIn(text: string, secrets: ReadonlyMap<string, string>): string[] {
  const leaks: string[] = [];
  if (accessToken.test(text)) leaks.push('an access token');
  if (address.test(text)) leaks.push('an e-mail address');
  if (password.test(text)) leaks.push('a password');
  for (const [name, value] of secrets) if (text.includes(value)) leaks.push(`the secret ${name}`);
  return leaks;
}

const candidatesPerQuery = 1_000;

/** Addresses that look unlike any other are still somebody's: every word with an @ is looked up among the accounts. */
class AddressBook {
  readonly #user: Queryable;
  readonly #findings: Findings;
  #places = new Map<string, string>();

  constructor(user: Queryable, findings: Findings) {
    this.#user = user;
    this.#findings = findings;
  }

  async note(line: string, place: string): Promise<void> {
    for (const word of line.split(/[\s"'\\,;:()[\]{}<>=]+/))
      if (word.includes('@')) this.#places.set(word.toLowerCase(), place);
    if (this.#places.size >= candidatesPerQuery) await this.lookUp();
  }

  async lookUp(): Promise<void> {
    const places = this.#places;
    this.#places = new Map();
    const known = await this.#user.query<{ id: string; email: string }>(
      'select id, email from account where email = any($1::text[])',
      [[...places.keys()]],
    );
    for (const { id, email } of known)
      this.#findings.add('A log has the e-mail address of an account', `${places.get(email)}, account ${id}`);
  }
}

const nothingLeaks: Invariant = {
  number: 14,
  kind: 'A',
  title: 'no token, password or e-mail address is in the logs',
  needs: ['logs'],
  check: async ({ snapshots: { user }, logFiles, secrets }) => {
    const findings = new Findings();
    const book = new AddressBook(user, findings);
    for (const file of logFiles) {
      let number = 0;
      for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
        const place = `${file}:${++number}`;
        for (const leak of leaksIn(line, secrets)) findings.add(`A log has ${leak}`, place);
        if (line.includes('@')) await book.note(line, place);
      }
    }
    await book.lookUp();
    return findings.violations;
  },
};

export const logInvariants = [nothingLeaks];
