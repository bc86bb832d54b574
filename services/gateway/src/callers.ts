import { accessToken, isCaller, type Caller, type UserQueries } from '@tutti/contracts';
import { signedTokens, type Log, type SignedTokens } from '@tutti/kit/service';

export const sessionCookie = '__Host-session';
const refreshMs = 2_000;

/** Knows who calls: checks access tokens by their signature, and against the few that were signed out early. */
export class Callers {
  readonly #tokens: SignedTokens<Caller>;
  readonly #users: UserQueries;
  readonly #log: Log;
  /** As the user service last told, and as this gateway has done itself since it started. */
  #ended: ReadonlySet<string> = new Set();
  readonly #endedHere = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(key: Buffer, users: UserQueries, log: Log) {
    this.#tokens = signedTokens({
      key,
      type: accessToken.type,
      audience: accessToken.audience,
      isClaims: isCaller,
    });
    this.#users = users;
    this.#log = log;
  }

  /** Reads what was signed out, then again every 2 s: another gateway may have done it. */
  async start(): Promise<void> {
    this.#ended = new Set(await this.#users.endedSessions());
    this.#timer = setInterval(() => void this.#refresh(), refreshMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  find(token: string): Caller | null {
    const caller = this.#tokens.verify(token);
    if (!caller) return null;
    const isEnded = [caller.sessionId, caller.userId].some(
      (id) => this.#ended.has(id) || this.#endedHere.has(id),
    );
    return isEnded ? null : caller;
  }

  async end(caller: Caller): Promise<void> {
    await this.#users.signOut(caller);
    this.#endedHere.add(caller.sessionId);
  }

  /** Every session of an account that is gone. */
  endAll(userId: string): void {
    this.#endedHere.add(userId);
  }

  async #refresh(): Promise<void> {
    try {
      this.#ended = new Set(await this.#users.endedSessions());
    } catch (error) {
      this.#log.warn({ error }, 'ended sessions could not be read; the ones known stay ended');
    }
  }
}
