import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';

/** argon2id with the parameters OWASP's password storage cheat sheet names first: 19 MiB, 2 passes, 1 lane. */
const parameters = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 } as const;

/** About 35 hashes a second fill a core: more waiting than this is answered with "later" instead of a long silence. */
const waitingMax = 200;

/** Hashes and checks passwords one at a time, so that a crowd signing in never starves those who pay. */
export class Passwords {
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  /** Throws `PasswordsBusy` when too many wait already. */
  async hash(password: string): Promise<string> {
    const salt = randomBytes(16);
    const tag = await this.#derive(password, salt);
    return `argon2id$${salt.toString('base64url')}$${tag.toString('base64url')}`;
  }

  /** Takes the same time whether there is such an account or not: `stored` may be null. */
  async matches(password: string, stored: string | null): Promise<boolean> {
    const [, salt, tag] = (stored ?? `argon2id$${'A'.repeat(22)}$${'A'.repeat(43)}`).split('$');
    const expected = Buffer.from(tag ?? '', 'base64url');
    const actual = await this.#derive(password, Buffer.from(salt ?? '', 'base64url'));
    return stored !== null && expected.length === actual.length && timingSafeEqual(expected, actual);
  }

  #derive(password: string, nonce: Buffer): Promise<Buffer> {
    if (this.#waiting >= waitingMax) return Promise.reject(new PasswordsBusy());
    this.#waiting++;
    const derived = this.#last.then(
      () =>
        new Promise<Buffer>((resolve, reject) => {
          argon2('argon2id', { message: password.normalize('NFC'), nonce, ...parameters }, (error, tag) =>
            error ? reject(error) : resolve(tag),
          );
        }),
    );
    this.#last = derived.catch(() => undefined).then(() => this.#waiting--);
    return derived;
  }
}

export class PasswordsBusy extends Error {
  override name = 'PasswordsBusy';
}
