import type { Queryable } from '@tutti/kit/postgres';
import type { Saga, Step } from '@tutti/kit/saga';
import { sagas as definitions } from '@tutti/orchestrator';
import { differences, pagesOf, type Difference } from './differences.ts';
import { Findings, type Snapshots, type Violation } from './invariant.ts';

// The journals tell what each service did for each saga; the definitions tell what it should have done.

const participants = ['concert', 'payment', 'partner'] as const;
type Participant = (typeof participants)[number];

const nameOf = ({ name, version }: Saga): string => `${name}/${version}`;

/** The effects that a saga has in a service. */
const stepsIn = (saga: Saga, service: Participant): Step[] =>
  saga.steps.filter(({ kind, command }) => kind === 'effect' && command.startsWith(`${service}.`));

/** What was done and not undone. */
const standing = `j.direction = 'do' and j.ok and not exists (
  select 1 from journal u where u.saga = j.saga and u.step = j.step and u.direction = 'undo' and u.ok)`;

/** Part of invariant 7: of a saga that succeeded all steps stand in the journals, of any other none. */
export async function journalsMatchSagas(snapshots: Snapshots): Promise<Violation[]> {
  const findings = new Findings();
  for (const service of participants) {
    const expected = definitions.flatMap((saga) => {
      const steps = stepsIn(saga, service).map(({ name }) => name);
      return steps.length > 0 ? [`('${nameOf(saga)}', '${steps.toSorted().join(' ')}')`] : [];
    });
    const sagas = `select s.id, e.steps as says from saga s
      join (values ${expected.join(', ')}) as e(definition, steps) on e.definition = s.name || '/' || s.version
      where s.status = 'succeeded'`;
    const journal = `select j.saga as id, string_agg(j.step, ' ' order by j.step collate "C") as says
      from journal j where ${standing} group by j.saga`;
    const sides = differences(
      { from: snapshots.orchestrator, sql: sagas },
      { from: snapshots[service], sql: journal },
    );
    const strays: Difference[] = [];
    for await (const difference of sides) {
      const { id, left, right } = difference;
      if (left === null) strays.push(difference);
      else
        findings.add(
          `A saga succeeded without all of its steps in the ${service} journal`,
          `${id}: ${left}; found ${right ?? 'none'}`,
        );
      if (strays.length === straysPerQuery) await judgeStrays(snapshots, service, strays.splice(0), findings);
    }
    await judgeStrays(snapshots, service, strays, findings);
  }
  return findings.violations;
}

const straysPerQuery = 5_000;

/** Steps that stand, of sagas which did not succeed; unless another build defined them, for its own auditor to judge. */
async function judgeStrays(
  { orchestrator }: Snapshots,
  service: Participant,
  strays: readonly Difference[],
  findings: Findings,
): Promise<void> {
  const sagas = await orchestrator.query<{ id: string; definition: string; status: string }>(
    `select id, name || '/' || version as definition, status from saga where id = any($1::uuid[])`,
    [strays.map(({ id }) => id)],
  );
  const known = new Map(sagas.map((saga) => [saga.id, saga]));
  for (const { id, right } of strays) {
    const saga = known.get(id);
    if (!saga) findings.add(`The ${service} journal has effects of no saga`, `${id}: ${right}`);
    else if (definitions.some((one) => nameOf(one) === saga.definition))
      findings.add(
        `A saga that did not succeed left effects in the ${service} journal`,
        `${saga.definition} ${id} ${saga.status}: ${right}`,
      );
  }
}

/** Part of invariant 8: what was done before the pivot of a saga that failed was undone, and nothing else was. */
export async function undosMatchFailures({ orchestrator, ...others }: Snapshots): Promise<Violation[]> {
  const findings = new Findings();
  for (const service of participants) {
    await findUnowedUndos(orchestrator, others[service], service, findings);
    for (const saga of definitions)
      for (const { name, undo } of stepsIn(saga, service))
        if (undo) await findMissingUndos(orchestrator, others[service], saga, name, findings);
  }
  return findings.violations;
}

async function findMissingUndos(
  orchestrator: Queryable,
  journal: Queryable,
  saga: Saga,
  step: string,
  findings: Findings,
): Promise<void> {
  const failed = `select id, '' as says from saga
    where status = 'failed' and name = '${saga.name}' and version = ${saga.version}`;
  for await (const page of pagesOf({ from: orchestrator, sql: failed })) {
    const rows = await journal.query<{ saga: string }>(
      `select j.saga from journal j where j.saga = any($1::uuid[]) and j.step = $2 and ${standing}`,
      [page.map(({ id }) => id), step],
    );
    for (const row of rows)
      findings.add(
        'A step of a failed saga was done and never undone',
        `${nameOf(saga)} ${row.saga}: ${step}`,
      );
  }
}

async function findUnowedUndos(
  orchestrator: Queryable,
  journal: Queryable,
  service: Participant,
  findings: Findings,
): Promise<void> {
  const undos = `select saga as id, case when bool_and(ok) then '' else 'refused' end as says
    from journal where direction = 'undo' group by saga`;
  for await (const page of pagesOf({ from: journal, sql: undos })) {
    for (const { id, says } of page)
      if (says !== '') findings.add(`The ${service} service refused an undo`, id);
    const rows = await orchestrator.query<{ id: string }>(
      `select u.id from unnest($1::uuid[]) as u(id)
       where not exists (select 1 from saga s where s.id = u.id and s.status = 'failed')`,
      [page.map(({ id }) => id)],
    );
    for (const { id } of rows) findings.add(`The ${service} service undid for a saga that did not fail`, id);
  }
}
