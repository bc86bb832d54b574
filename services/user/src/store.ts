import type { Account, Caller, Role } from '@tutti/contracts';
import type { Queryable } from '@tutti/kit/postgres';

type Credentials = { userId: string; passwordHash: string; role: Role };
type NewAccount = { userId: string; name: string; email: string; passwordHash: string; role: Role };

/** Every statement of the user service. */
export class UserStore {
  readonly #database: Queryable;

  constructor(database: Queryable) {
    this.#database = database;
  }

  /** False when the address is taken: the unique index decides, not a look before. */
  async insertAccount({ userId, name, email, passwordHash, role }: NewAccount): Promise<boolean> {
    const rows = await this.#database.query(
      `insert into account (id, name, email, password_hash, role) values ($1, $2, $3, $4, $5)
       on conflict (email) do nothing returning id`,
      [userId, name, email, passwordHash, role],
    );
    return rows.length === 1;
  }

  async credentials(email: string): Promise<Credentials | null> {
    const [row] = await this.#database.query<Credentials>(
      `select id as "userId", password_hash as "passwordHash", role from account where email = $1 and deleted_at is null`,
      [email],
    );
    return row ?? null;
  }

  async account(userId: string): Promise<Account | null> {
    const [row] = await this.#database.query<Account>(
      'select id as "userId", name, email, role from account where id = $1 and deleted_at is null',
      [userId],
    );
    return row ?? null;
  }

  async hasRole(role: Role): Promise<boolean> {
    const rows = await this.#database.query('select 1 from account where role = $1 limit 1', [role]);
    return rows.length > 0;
  }

  /** Which of these accounts exist. */
  async existing(userIds: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await this.#database.query<{ id: string }>(
      'select id from account where id = any($1::uuid[]) and deleted_at is null',
      [userIds],
      'existing',
    );
    return new Set(rows.map(({ id }) => id));
  }

  async endSession({ sessionId }: Caller, hours: number): Promise<void> {
    await this.#database.query(
      `insert into ended_session (id, expires_at) values ($1, now() + $2 * interval '1 hour') on conflict do nothing`,
      [sessionId, hours],
    );
  }

  /** Keeps the id, for what others hold under it; everything personal goes. */
  async eraseAccount(userId: string): Promise<void> {
    await this.#database.query(
      `update account set name = null, email = null, password_hash = null, deleted_at = now()
       where id = $1 and deleted_at is null`,
      [userId],
    );
  }

  async passwordHash(userId: string): Promise<string | null> {
    const [row] = await this.#database.query<{ hash: string | null }>(
      'select password_hash as hash from account where id = $1',
      [userId],
    );
    return row?.hash ?? null;
  }

  /** Sessions, and accounts whose every session ended with them. Those whose tokens have ended by themselves are left out. */
  async endedSessions(hours: number): Promise<string[]> {
    const rows = await this.#database.query<{ id: string }>(
      `select id from ended_session where expires_at > now()
       union all select id from account where deleted_at > now() - $1 * interval '1 hour'`,
      [hours],
    );
    return rows.map(({ id }) => id);
  }
}
