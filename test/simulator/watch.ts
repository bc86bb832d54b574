import type { Row } from '@tutti/kit/postgres';
import type { OpenRow, Outcome } from '@tutti/kit/saga';
import { shortId } from './chance.ts';
import type { Chronicle } from './chronicle.ts';
import { doubleClaims } from './checks.ts';
import type { Command } from './tables/journal.ts';
import type { Tables } from './tables/tables.ts';

/** Looks at every statement that was just done: what must hold in any snapshot, and which branches were met. */
export function watch(
  tables: Tables,
  chronicle: Chronicle,
  database: string,
  key: string,
  values: readonly unknown[],
  rows: readonly Row[],
): void {
  switch (key) {
    case 'handle':
      watchCommands(tables, chronicle, parsed(values[0]), answersOf(rows));
      if (database === 'concert') for (const wrong of doubleClaims(tables)) chronicle.accuse(wrong);
      return;
    case 'start_sagas':
      chronicle.tell(`sagas: ${parsed<unknown[]>(values[0]).length} started, ${rows.length} met their row`);
      return chronicle.count('branch: a start met the row of its key', rows.length);
    case 'write_sagas':
      return watchWrites(tables, chronicle, parsed(values[0]), rows);
    case 'with takeable as':
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the rows of this very statement
      return watchTakeOver(chronicle, rows as readonly OpenRow[]);
    case 'select expire_holds($1, $2)':
      if (rows[0]?.['ended'] !== 0) chronicle.tell(`the hall: ${String(rows[0]?.['ended'])} holds ended`);
      return chronicle.count('branch: a hold ended', Number(rows[0]?.['ended']));
    case 'insert into lease':
      return chronicle.count('branch: the expirer waited for its lease', rows.length === 0 ? 1 : 0);
    default:
  }
}

const parsed = <T>(text: unknown): T =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a store of the product has just written
  JSON.parse(String(text)) as T;

const answersOf = (rows: readonly Row[]): readonly Outcome[] =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one row of `handle`
  (rows[0]?.['answer'] ?? []) as readonly Outcome[];

/** Whether an undo of `mark-paid` brought back a hold. */
const bringsBack = (outcome: Outcome | undefined): boolean =>
  JSON.stringify(outcome).includes('"expiresAt":"');

function watchCommands(
  tables: Tables,
  chronicle: Chronicle,
  commands: readonly Command[],
  outcomes: readonly Outcome[],
): void {
  for (const [at, { saga, direction, type, step }] of commands.entries()) {
    const outcome = outcomes[at];
    const said = outcome && 'refused' in outcome ? outcome.refused.code : 'ok';
    chronicle.count(`branch: ${direction} ${direction === 'settle' ? step : type} is ${said}`);
    chronicle.tell(`${direction} ${type} ${shortId(saga)} is ${said}`);
    const status = tables.sagas.rows.get(saga)?.status;
    if (status === undefined) chronicle.accuse(`${type} was asked for by ${shortId(saga)}, which has no row`);
    if (direction === 'undo' && bringsBack(outcome))
      chronicle.count('branch: an undo found something to undo');
    if (direction === 'undo' && (status === 'running' || status === 'succeeded'))
      chronicle.accuse(`${shortId(saga)} is undone while its row says ${status}`);
  }
}

/** A reply that comes when its saga has ended already, or is another driver's. */
export function watchReply(tables: Tables, chronicle: Chronicle, message: unknown): void {
  if (typeof message !== 'object' || message === null || !('outcome' in message) || !('saga' in message))
    return;
  const row = tables.sagas.rows.get(String(message.saga));
  chronicle.count('branch: a reply came late', row && !tables.sagas.isOpen(row) ? 1 : 0);
  chronicle.count('branch: a reply came before its saga was stored', row ? 0 : 1);
}

type Written = { readonly id: string; readonly epoch: number; readonly status: string };

function watchWrites(
  tables: Tables,
  chronicle: Chronicle,
  writes: readonly Written[],
  rows: readonly Row[],
): void {
  const done = new Set(rows.map(({ id }) => id));
  for (const { id, epoch, status } of writes) {
    chronicle.tell(`sagas: ${shortId(id)} at epoch ${epoch} ${done.has(id) ? '' : 'not '}${status}`);
    const row = tables.sagas.rows.get(id);
    if (done.has(id) || !row) continue;
    const isStale = row.epoch !== epoch;
    chronicle.count(
      isStale
        ? 'branch: a stale write was refused'
        : 'branch: a write was repeated after its commit was unknown',
    );
  }
}

function watchTakeOver(chronicle: Chronicle, rows: readonly OpenRow[]): void {
  for (const { id, epoch, reason } of rows) {
    chronicle.tell(`sagas: ${shortId(id)} is taken over at epoch ${epoch}`);
    chronicle.count('branch: a saga was taken over');
    if (reason) chronicle.count('branch: a saga was taken over on its way back');
  }
}
