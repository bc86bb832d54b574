import type { Queryable } from '../postgres/index.ts';

/**
 * A lease: a name that one owner has for a while. It only saves work. Whoever acts on it hands its fence to the statement
 * that writes, and that statement refuses an older one: a process that was paused past the end of its lease cannot know.
 */
export class Lease {
  readonly #database: Queryable;
  readonly #name: string;
  readonly #owner: string;
  readonly #seconds: number;

  constructor(options: { database: Queryable; name: string; owner: string; seconds: number }) {
    this.#database = options.database;
    this.#name = options.name;
    this.#owner = options.owner;
    this.#seconds = options.seconds;
  }

  /** Takes or renews it, by the database's clock. Returns the fence, or null while another owner has it. */
  async take(): Promise<number | null> {
    const [row] = await this.#database.query<{ fence: number }>(
      `insert into lease as l (name, owner, fence, until) values ($1, $2, 1, now() + $3 * interval '1 second')
       on conflict (name) do update
       set until = excluded.until, owner = excluded.owner,
           fence = l.fence + case when l.owner = excluded.owner then 0 else 1 end
       where l.owner = excluded.owner or l.until < now()
       returning fence`,
      [this.#name, this.#owner, this.#seconds],
    );
    return row?.fence ?? null;
  }

  /** Gives it up, so that the next owner need not wait. */
  async release(): Promise<void> {
    await this.#database.query('update lease set until = now() where name = $1 and owner = $2', [
      this.#name,
      this.#owner,
    ]);
  }
}
