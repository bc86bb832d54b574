import { Findings, type Context, type Invariant, type Violation } from './invariant.ts';
import { textIn, type Asked, type Effect, type History, type Told } from './history.ts';
import { leaksIn } from './logs.ts';
import type { DatabaseName } from '../system.ts';

// What clients were told, against what the databases hold.

const pageSize = 2_000;

function* pagesOf<T>(list: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < list.length; from += pageSize) yield list.slice(from, from + pageSize);
}

const nameOf = ({ fan, route, key }: Asked): string => `${route} of ${fan}, key ${key}`;
const sayingOf = ({ status, body }: Told): string => `${status} ${body.slice(0, 160)}`;

/** A check that only the client's history can answer; without one it is skipped. */
const inHistory =
  (check: (history: History, context: Context) => Promise<Violation[]>) =>
  (context: Context): Promise<Violation[]> =>
    context.history ? check(context.history, context) : Promise.resolve([]);

type SagaRow = { nth: number; id: string | null; status: string; answerStatus: number; answer: string };

const toldIsStored: Invariant = {
  number: 7,
  kind: 'H',
  title: 'what clients were told is what is stored; what was turned away left no trace',
  // The last write of a saga may follow its answer.
  needs: ['no open saga', 'history'],
  check: inHistory(async ({ asked }, { snapshots: { orchestrator } }) => {
    const findings = new Findings();
    for (const page of pagesOf(asked)) {
      const rows = await orchestrator.query<SagaRow>(
        `select w.nth, s.id, s.status, s.answer_status as "answerStatus", s.answer
         from unnest($1::text[], $2::text[], $3::text[]) with ordinality as w(fan, route, key, nth)
         join saga s on s.fan = w.fan and s.route = w.route and s.key = w.key`,
        [page.map(({ fan }) => fan), page.map(({ route }) => route), page.map(({ key }) => key)],
      );
      const byNth = Map.groupBy(rows, ({ nth }) => nth);
      for (const [index, one] of page.entries()) compare(one, byNth.get(index + 1) ?? [], findings);
    }
    return findings.violations;
  }),
};

function compare(asked: Asked, sagas: readonly SagaRow[], findings: Findings): void {
  for (const told of asked.told) {
    const row = `${nameOf(asked)}: told ${sayingOf(told)}`;
    if (told.meaning === 'accepted') {
      const operation = textIn(told.body, 'operationId');
      if (!sagas.some(({ id }) => id === operation))
        findings.add('A request was accepted and is not there', row);
    }
    if (told.meaning !== 'done' && told.meaning !== 'refused') continue;
    const outcome = told.meaning === 'done' ? 'succeeded' : 'failed';
    const stored = sagas.map(({ status, answerStatus, answer }) => `${status} ${answerStatus} ${answer}`);
    if (sagas.length === 0) findings.add('A client was told an outcome of a request that is not there', row);
    else if (!stored.includes(`${outcome} ${told.status} ${told.body}`))
      findings.add(
        'A client was told something else than is stored',
        `${row}; stored ${stored.join(' and ').slice(0, 160)}`,
      );
  }
  if (sagas.length > 0 && asked.told.every(({ meaning }) => meaning === 'turned away'))
    findings.add('A request was turned away and took place', `${nameOf(asked)}: saga ${sagas[0]?.id}`);
}

const oneAnswerPerKey: Invariant = {
  number: 9,
  kind: 'H',
  title: 'a key and a body have one effect and one answer, byte for byte; no two keys share an effect',
  needs: ['history'],
  check: inHistory(({ asked }) => {
    const findings = new Findings();
    const owners = new Map<string, string>();
    for (const one of asked) {
      const final = one.told.filter(({ meaning }) => meaning === 'done' || meaning === 'refused');
      const answers = new Set(final.map(({ status, body }) => `${status} ${body}`));
      const sayings = () => final.map(sayingOf).join(' and ');
      if (new Set(final.map(({ request }) => request)).size > 1)
        findings.add(
          'Two different requests under one key were both answered',
          `${nameOf(one)}: ${sayings()}`,
        );
      else if (answers.size > 1)
        findings.add('A repeated request was answered differently', `${nameOf(one)}: ${sayings()}`);
      for (const id of new Set(final.flatMap((told) => createdBy(one.effect, told) ?? []))) {
        const other = owners.get(id);
        if (other !== undefined)
          findings.add('Two keys were answered with one effect', `${id}: ${other} and ${nameOf(one)}`);
        owners.set(id, nameOf(one));
      }
    }
    return Promise.resolve(findings.violations);
  }),
};

const idFields = { reserve: 'reservationId', pay: 'paymentId', charge: 'entryId' } as const;

/** The id of the row that an answer says was made; cancelling makes none. */
const createdBy = (effect: Effect, { meaning, body }: Told): string | undefined =>
  effect === 'cancel' || meaning !== 'done' ? undefined : (textIn(body, idFields[effect]) ?? '');

/** Where what was told must be found, however soon after the answer everything crashed. */
const places: Readonly<Record<Effect, { database: DatabaseName; rows: string }>> = {
  reserve: { database: 'concert', rows: 'reservation' },
  pay: { database: 'payment', rows: 'payment' },
  charge: { database: 'payment', rows: 'entry' },
  cancel: { database: 'concert', rows: `(select id from reservation where status = 'cancelled')` },
};

const uuidForm = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

async function durable(
  { asked, accounts }: History,
  { snapshots }: Context,
  findings: Findings,
): Promise<void> {
  const missing = (id: string, by: string | undefined) =>
    findings.add('An effect was answered and is not there', `${id || 'no id'}: ${by}`);
  const look = async (database: DatabaseName, rows: string, told: ReadonlyMap<string, string>) => {
    const ids = [...told.keys()];
    for (const id of ids) if (!uuidForm.test(id)) missing(id, told.get(id));
    for (const page of pagesOf(ids.filter((id) => uuidForm.test(id)))) {
      const gone = await snapshots[database].query<{ id: string }>(
        `select w.id from unnest($1::uuid[]) as w(id) where not exists (select 1 from ${rows} r where r.id = w.id)`,
        [page],
      );
      for (const { id } of gone) missing(id, told.get(id));
    }
  };
  for (const effect of ['reserve', 'pay', 'charge', 'cancel'] as const) {
    const told = new Map<string, string>();
    for (const one of asked)
      if (one.effect === effect)
        for (const answer of one.told)
          if (answer.meaning === 'done')
            told.set(createdBy(effect, answer) ?? textIn(answer.body, 'reservationId') ?? '', nameOf(one));
    await look(places[effect].database, places[effect].rows, told);
  }
  await look('user', 'account', new Map(accounts.map((id) => [id, 'a sign-up'])));
}

const durableBeforeAnswered: Invariant = {
  number: 13,
  kind: 'H',
  title: 'nothing is answered before it is durable; every 429 and 503 says when to come back',
  needs: ['history'],
  check: inHistory(async (history, context) => {
    const findings = new Findings();
    await durable(history, context, findings);
    for (const row of history.withoutRetryAfter) findings.add('A 429 or 503 had no Retry-After', row);
    return findings.violations;
  }),
};

const nothingInUrls: Invariant = {
  number: 14,
  kind: 'H',
  title: 'no token, password or e-mail address is in a URL',
  needs: ['history'],
  check: inHistory(({ paths }, { secrets }) => {
    const findings = new Findings();
    for (const path of paths)
      for (const leak of leaksIn(path, secrets))
        findings.add(`A URL has ${leak}`, path.replace(/\?.*/, '?…'));
    return Promise.resolve(findings.violations);
  }),
};

export const answerInvariants = [toldIsStored, oneAnswerPerKey, durableBeforeAnswered, nothingInUrls];
