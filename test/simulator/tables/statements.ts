import type { Row } from '@tutti/kit/postgres';
import { sqlError, type Body, type Command, type Journal } from './journal.ts';
import type { Hall, LeaseTable } from './hall.ts';
import type { Failure, PartnerDesk } from './partner-desk.ts';
import type { NewSaga, SagaTable } from './saga-table.ts';
import type { RowWrite } from '@tutti/kit/saga';

export type Statement = (values: readonly unknown[]) => Row[];
/** Every statement that the services send, by `statementKey`. What stands behind it is a model; before it, the product. */
export type Statements = Readonly<Record<string, Statement>>;

/** A named statement is its name; one without is its first words. */
export const statementKey = (text: string, name?: string): string =>
  name ?? text.trim().split(/\s+/).slice(0, 3).join(' ');

export const handles = (journal: Journal): Statements => ({
  handle: ([batch]) => [{ answer: journal.handle(commandsOf(batch)) }],
});

export const expires = (hall: Hall, leases: LeaseTable): Statements => ({
  'insert into lease': ([name, owner, seconds]) => {
    const fence = leases.take(text(name), text(owner), Number(seconds));
    return fence === undefined ? [] : [{ fence }];
  },
  'update lease set': ([name, owner]) => {
    leases.release(text(name), text(owner));
    return [];
  },
  'select expire_holds($1, $2)': ([fence, most]) => {
    if (leases.rows.get('expire-holds')?.fence !== fence)
      throw sqlError('TU001', 'the lease has another owner');
    return [{ ended: hall.expire(Number(most)).length }];
  },
});

export const delivers = (desk: PartnerDesk): Statements => ({
  untried: ([ids]) => desk.untried(texts(ids)),
  claim: ([most, leaseSeconds]) => desk.claim(Number(most), Number(leaseSeconds)),
  mark_delivered: ([ids]) => {
    desk.markDelivered(texts(ids));
    return [];
  },
  put_off: ([failures, giveUpHours]) => {
    desk.putOff(fromJson<Failure[]>(failures), Number(giveUpHours));
    return [];
  },
});

export const drives = (table: SagaTable): Statements => ({
  start_sagas: ([rows, owner]) => table.start(fromJson<NewSaga[]>(rows), text(owner)),
  write_sagas: ([writes, owner]) => table.write(fromJson<RowWrite[]>(writes), text(owner)),
  renew_lease: ([owner, seconds]) => {
    table.renewLease(text(owner), Number(seconds));
    return [];
  },
  'delete from driver': ([owner]) => {
    table.endLease(text(owner));
    return [];
  },
  'with takeable as': ([owner, definitions, which, most, known]) =>
    table.takeOver({
      owner: text(owner),
      definitions: fromJson(definitions),
      which: text(which),
      most: Number(most),
      known: known === null ? null : texts(known),
    }),
});

export const findsUsers = (accounts: ReadonlySet<string>): Statements => ({
  existing: ([ids]) =>
    texts(ids)
      .filter((id) => accounts.has(id))
      .map((id) => ({ id })),
});

const commandsOf = (batch: unknown): Command[] =>
  fromJson<(Omit<Command, 'body'> & { body: unknown })[]>(batch).map((one) => ({
    ...one,
    body: isBody(one.body) ? one.body : {},
  }));

const isBody = (value: unknown): value is Body => typeof value === 'object' && value !== null;

const text = (value: unknown): string => {
  if (typeof value !== 'string') throw new Error('A parameter is not a text.');
  return value;
};

const texts = (value: unknown): string[] => {
  if (!Array.isArray(value)) throw new Error('A parameter is not a list.');
  return value.map(text);
};

// What the product's own stores have written a moment ago.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const fromJson = <T>(value: unknown): T => JSON.parse(text(value)) as T;
