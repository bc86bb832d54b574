import type { Queryable, Row } from '@tutti/kit/postgres';

// Rows of two databases can only meet here. They meet as in a merge join: both sides come sorted by id, a page at a
// time, so that a million rows on each side need the memory of two pages.

export type Identified = Row & { readonly id: string };

const pageRows = 5_000;
let cursors = 0;

/** The rows of a statement with a column `id uuid`, sorted by it. The snapshot has to be a transaction. */
export async function* byId<R extends Identified>(
  snapshot: Queryable,
  sql: string,
): AsyncGenerator<R, undefined> {
  const cursor = `by_id_${++cursors}`;
  await snapshot.query(
    `declare ${cursor} no scroll cursor for select * from (${sql}) as unsorted order by id`,
  );
  for (;;) {
    const page = await snapshot.query<R>(`fetch ${pageRows} from ${cursor}`);
    yield* page;
    if (page.length < pageRows) break;
  }
  await snapshot.query(`close ${cursor}`);
  return undefined;
}

export type Pair<L, R> = { readonly id: string; readonly left: L | undefined; readonly right: R | undefined };

/** Every id of either side once, with the row each side has for it. An id is expected once on each side. */
export async function* sideBySide<L extends Identified, R extends Identified>(
  lefts: AsyncGenerator<L, undefined>,
  rights: AsyncGenerator<R, undefined>,
): AsyncGenerator<Pair<L, R>, undefined> {
  let [left, right] = await Promise.all([lefts.next(), rights.next()]);
  for (;;) {
    const [one, other] = [left.value, right.value];
    if (one && (!other || one.id < other.id)) {
      yield { id: one.id, left: one, right: undefined };
      left = await lefts.next();
    } else if (other && (!one || other.id < one.id)) {
      yield { id: other.id, left: undefined, right: other };
      right = await rights.next();
    } else if (one && other) {
      yield { id: one.id, left: one, right: other };
      [left, right] = await Promise.all([lefts.next(), rights.next()]);
    } else return undefined;
  }
}
