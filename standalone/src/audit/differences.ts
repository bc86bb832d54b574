import type { Queryable } from '@tutti/kit/postgres';

// Rows of two databases can only meet here. First each side makes a fingerprint of all of its rows, where they are; only
// when those differ do the rows travel, sorted by id and a page at a time, and meet as in a merge join. So a million rows
// in order cost two sums, and a million in disorder the memory of two pages.

/** A statement for the columns `id uuid`, once each, and `says text`: what is to be the same on the other side. */
export type Side = { readonly from: Queryable; readonly sql: string };

/** What each side says of an id; null: it has no such row. */
export type Difference = { readonly id: string; readonly left: string | null; readonly right: string | null };

/** The ids of which two sides do not say the same. */
export async function* differences(left: Side, right: Side): AsyncGenerator<Difference, undefined> {
  const [one, other] = await Promise.all([fingerprint(left), fingerprint(right)]);
  if (one === other) return;
  for await (const pair of sideBySide(byId(left), byId(right))) if (pair.left !== pair.right) yield pair;
}

async function fingerprint({ from, sql }: Side): Promise<string> {
  const [row] = await from.query<{ fingerprint: string }>(
    `select count(*) || ' ' || coalesce(sum(hashtextextended(id || ' ' || says, 0)), 0) as fingerprint from (${sql}) as side`,
  );
  return row?.fingerprint ?? '';
}

type Said = { readonly id: string; readonly says: string };

const pageRows = 5_000;
let cursors = 0;

/** Pages of a statement's rows, sorted by their id. The side has to be a transaction. */
export async function* pagesOf({ from, sql }: Side): AsyncGenerator<readonly Said[], undefined> {
  const cursor = `by_id_${++cursors}`;
  await from.query(
    `declare ${cursor} no scroll cursor for select id, says from (${sql}) as side order by id`,
  );
  for (;;) {
    const page = await from.query<Said>(`fetch ${pageRows} from ${cursor}`);
    if (page.length > 0) yield page;
    if (page.length < pageRows) break;
  }
  await from.query(`close ${cursor}`);
  return undefined;
}

async function* byId(side: Side): AsyncGenerator<Said, undefined> {
  for await (const page of pagesOf(side)) yield* page;
  return undefined;
}

async function* sideBySide(
  lefts: AsyncGenerator<Said, undefined>,
  rights: AsyncGenerator<Said, undefined>,
): AsyncGenerator<Difference, undefined> {
  let [left, right] = await Promise.all([lefts.next(), rights.next()]);
  for (;;) {
    const [one, other] = [left.value, right.value];
    if (one && (!other || one.id < other.id)) {
      yield { id: one.id, left: one.says, right: null };
      left = await lefts.next();
    } else if (other && (!one || other.id < one.id)) {
      yield { id: other.id, left: null, right: other.says };
      right = await rights.next();
    } else if (one && other) {
      yield { id: one.id, left: one.says, right: other.says };
      [left, right] = await Promise.all([lefts.next(), rights.next()]);
    } else return undefined;
  }
}
