import type { Role } from './climate.ts';
import type { Statement } from './tables/statements.ts';
import type { Tables } from './tables/tables.ts';
import type { Plant } from './world.ts';

/** A row or a command, as a statement gets it. */
type Item = Readonly<Record<string, unknown>>;

/** Puts something wrong around one statement. */
const around =
  (
    service: Exclude<Role, 'gateway'>,
    key: string,
    wrong: (real: Statement, tables: Tables) => Statement,
  ): Plant =>
  (tables) => {
    const real = tables.statements[service][key];
    if (!real) throw new Error(`${service} has no statement ${key}.`);
    tables.statements[service] = { ...tables.statements[service], [key]: wrong(real, tables) };
  };

const itemsIn = (values: readonly unknown[]): Item[] =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the first value is a list of rows or commands
  JSON.parse(String(values[0])) as Item[];

/** The same statement with other items. */
const changing =
  (change: (item: Item) => Item) =>
  (real: Statement): Statement =>
  (values) =>
    real([JSON.stringify(itemsIn(values).map(change)), ...values.slice(1)]);

const actionKey = ({ saga, step }: Item): string => `${String(saga)} ${String(step)} do`;

/** The rows that commands of a kind write under their action's key are not there afterwards. */
const forgetting =
  (journal: keyof Tables['journals'], isOfKind: (command: Item) => boolean) =>
  (real: Statement, { journals }: Tables): Statement =>
  (values) => {
    const { rows } = journals[journal];
    const fresh = itemsIn(values)
      .filter(isOfKind)
      .map(actionKey)
      .filter((key) => !rows.has(key));
    const answer = real(values);
    for (const key of fresh) rows.delete(key);
    return answer;
  };

/** What goes wrong where a rule of the protocol is left out: the checks have to see each of these. */
export const plants: Readonly<Record<string, Plant>> = {
  'two rows are stored under one key': around(
    'orchestrator',
    'start_sagas',
    changing((row) => ({ ...row, key: `${String(row['key'])} ${String(row['id'])}` })),
  ),
  'the fingerprint of a key is forgotten': around(
    'orchestrator',
    'start_sagas',
    changing((row) => ({ ...row, fingerprint: 'any' })),
  ),
  'a change of direction is not stored': around('orchestrator', 'write_sagas', (real) => (values) => {
    const isTurn = ({ status }: Item): boolean => status === 'compensating';
    const [turns, others] = [itemsIn(values).filter(isTurn), itemsIn(values).filter((one) => !isTurn(one))];
    return [...real([JSON.stringify(others), values[1]]), ...turns.map(({ id }) => ({ id }))];
  }),
  'settling leaves nothing in the journal': around(
    'payment',
    'handle',
    forgetting('payment', ({ direction }) => direction === 'settle'),
  ),
  'a charge that comes again is not looked for': around(
    'payment',
    'handle',
    (real, { journals }) =>
      (values) => {
        for (const command of itemsIn(values))
          if (command['type'] === 'payment.charge-points' && command['direction'] === 'do')
            journals.payment.rows.delete(actionKey(command));
        return real(values);
      },
  ),
  'the end of a hold does not spare one that is being paid for': around(
    'concert',
    'select expire_holds($1, $2)',
    (real, { hall }) =>
      (values) => {
        for (const one of hall.reservations.values()) if (one.status === 'paying') one.status = 'reserved';
        return real(values);
      },
  ),
  'the partner is told ok and nothing is kept': around('partner', 'handle', (real, { desk }) => (values) => {
    const before = new Set(desk.deliveries.keys());
    const answer = real(values);
    for (const id of desk.deliveries.keys()) if (!before.has(id)) desk.deliveries.delete(id);
    return answer;
  }),
  'points come back as often as they are asked for': around(
    'payment',
    'handle',
    (real, { bank }) =>
      (values) => {
        const answer = real(values);
        for (const one of bank.payments) one.returnedAt = null;
        return answer;
      },
  ),
};
